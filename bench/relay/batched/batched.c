// batched: what of a relay's time per packet is the system's, and what batches would save of it.
//
//   cc -O2 -o /tmp/batched bench/relay/batched/batched.c && /tmp/batched
//
// A forwarder on core 0 passes what it gets on one socket to a sink by another, and adds nothing: the floor of
// every relay. A generator on core 1 keeps packets of eight clients under way and polls, as the bench's own.
// Printed: CPU time of the forwarder for each packet, with one packet a call (recvmsg, sendmsg: what Node does),
// with batches of 32 (recvmmsg, sendmmsg), and with what goes to one sink handed over as one segmented
// datagram (UDP_SEGMENT), which the system takes apart as late as it can.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS = 8, WINDOW = 32, BATCH = 32, MAX_PACKET = 1500, SECONDS = 1 };
enum how { ONE_BY_ONE, BATCHES, SEGMENTED, HOWS };
static const char *const names[HOWS] = {"one by one", "batches of 32", "batches, segmented"};

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static int bound(struct sockaddr_in *address) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  int room = 4 << 20;
  socklen_t length = sizeof *address;
  *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (fd < 0 || bind(fd, (struct sockaddr *)address, length)) fail("socket");
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  if (getsockname(fd, (struct sockaddr *)address, &length)) fail("getsockname");
  return fd;
}

static void pin(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  sched_setaffinity(0, sizeof set, &set); // on one core everything is slower, and still in proportion
}

static char packets[BATCH][MAX_PACKET];

/** Packets of one socket to the sink of its client, known by its source port. */
struct route {
  uint16_t port;
  struct sockaddr_in sink;
};

static struct sockaddr_in *sink_of(struct route *routes, const struct sockaddr_in *from) {
  for (int i = 0; i < CLIENTS; i++) {
    if (routes[i].port == from->sin_port) return &routes[i].sink;
  }
  return NULL;
}

/** One send for all packets of a batch that go to one sink. */
static void send_segmented(int out, struct mmsghdr *batch, int count) {
  for (int i = 0; i < count; i++) {
    if (batch[i].msg_hdr.msg_iovlen == 0) continue; // has left with another
    struct iovec parts[BATCH];
    int taken = 0;
    struct msghdr *first = &batch[i].msg_hdr;
    size_t size = first->msg_iov->iov_len;
    for (int j = i; j < count; j++) {
      struct msghdr *next = &batch[j].msg_hdr;
      if (next->msg_iovlen == 0 || next->msg_name != first->msg_name || next->msg_iov->iov_len != size) continue;
      parts[taken++] = *next->msg_iov;
      next->msg_iovlen = 0;
    }
    char control[CMSG_SPACE(sizeof(uint16_t))] = {0};
    struct msghdr message = {.msg_name = first->msg_name, .msg_namelen = first->msg_namelen, .msg_iov = parts, .msg_iovlen = taken};
    if (taken > 1) {
      message.msg_control = control;
      message.msg_controllen = sizeof control;
      struct cmsghdr *segment = CMSG_FIRSTHDR(&message);
      *segment = (struct cmsghdr){.cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT, .cmsg_len = CMSG_LEN(sizeof(uint16_t))};
      uint16_t bytes = (uint16_t)size;
      memcpy(CMSG_DATA(segment), &bytes, sizeof bytes);
    }
    if (sendmsg(out, &message, 0) < 0 && errno != EAGAIN) fail("sendmsg");
  }
}

static void forward(enum how how, int in, int out, struct route *routes) {
  struct mmsghdr batch[BATCH];
  struct iovec parts[BATCH];
  struct sockaddr_in from[BATCH];
  struct pollfd wait = {.fd = in, .events = POLLIN};
  int most = how == ONE_BY_ONE ? 1 : BATCH;
  for (;;) {
    for (int i = 0; i < most; i++) {
      parts[i] = (struct iovec){packets[i], MAX_PACKET};
      batch[i].msg_hdr = (struct msghdr){.msg_name = &from[i], .msg_namelen = sizeof from[i], .msg_iov = &parts[i], .msg_iovlen = 1};
    }
    int count;
    if (most == 1) {
      ssize_t bytes = recvmsg(in, &batch[0].msg_hdr, 0);
      count = bytes < 0 ? -1 : 1;
      batch[0].msg_len = (unsigned)bytes;
    } else {
      count = recvmmsg(in, batch, (unsigned)most, 0, NULL);
    }
    if (count < 0) {
      poll(&wait, 1, -1);
      continue;
    }
    for (int i = 0; i < count; i++) {
      parts[i].iov_len = batch[i].msg_len;
      batch[i].msg_hdr.msg_name = sink_of(routes, &from[i]);
    }
    if (how == ONE_BY_ONE) sendmsg(out, &batch[0].msg_hdr, 0);
    else if (how == BATCHES) sendmmsg(out, batch, (unsigned)count, 0);
    else send_segmented(out, batch, count);
  }
}

static double cpu_of(pid_t pid) {
  clockid_t clock;
  struct timespec used;
  if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &used)) return 0;
  return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/** CPU time of the forwarder for each packet, in µs. */
static double measure(enum how how, size_t size) {
  struct sockaddr_in relay, unused, source, sink;
  struct route routes[CLIENTS];
  int in = bound(&relay), out = bound(&unused), clients[CLIENTS], sinks[CLIENTS];
  for (int i = 0; i < CLIENTS; i++) {
    clients[i] = bound(&source);
    sinks[i] = bound(&sink);
    routes[i] = (struct route){source.sin_port, sink};
    if (connect(clients[i], (struct sockaddr *)&relay, sizeof relay)) fail("connect");
  }
  pid_t forwarder = fork();
  if (forwarder == 0) {
    pin(0);
    forward(how, in, out, routes);
  }
  pin(1);
  char packet[MAX_PACKET] = {0};
  long received = 0, before = 0;
  double start = now(), used = 0, arrived[CLIENTS];
  for (int i = 0; i < CLIENTS; i++) {
    arrived[i] = start;
    for (int k = 0; k < WINDOW; k++) send(clients[i], packet, size, 0);
  }
  for (double t = start; t < start + SECONDS + 0.2; t = now()) {
    if (before == 0 && t > start + 0.2) {
      before = received;
      used = cpu_of(forwarder);
    }
    for (int i = 0; i < CLIENTS; i++) {
      int count = 0;
      while (count < WINDOW && recv(sinks[i], packet, sizeof packet, 0) >= 0) count++;
      received += count;
      if (count > 0) arrived[i] = t;
      else if (t - arrived[i] > 0.2) {
        arrived[i] = t; // lost
        count = WINDOW;
      }
      for (int k = 0; k < count; k++) send(clients[i], packet, size, 0);
    }
  }
  used = cpu_of(forwarder) - used;
  kill(forwarder, SIGKILL);
  waitpid(forwarder, NULL, 0);
  close(in);
  close(out);
  for (int i = 0; i < CLIENTS; i++) {
    close(clients[i]);
    close(sinks[i]);
  }
  return used / (double)(received - before) * 1e6;
}

static int by_size(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return (difference > 0) - (difference < 0);
}

int main(void) {
  enum { RUNS = 5 };
  const size_t sizes[] = {100, 1000};
  for (int s = 0; s < 2; s++) {
    double figures[HOWS][RUNS];
    for (int run = 0; run < RUNS; run++) {
      for (enum how how = 0; how < HOWS; how++) figures[how][run] = measure(how, sizes[s]);
    }
    for (enum how how = 0; how < HOWS; how++) {
      qsort(figures[how], RUNS, sizeof(double), by_size);
      printf("%4zu bytes, %-18s %.2f µs CPU a packet (%.2f to %.2f)\n", sizes[s], names[how], figures[how][RUNS / 2], figures[how][0], figures[how][RUNS - 1]);
    }
  }
}
