package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

const (
	warmSeconds  = 0.3
	readsInARow  = 32 // of one socket, then the others have their turn
	patience     = 200 * time.Millisecond
	epollTimeout = 20 // milliseconds
)

// pair is a client with its allocation, and the peer that it talks to: both sockets are connected.
type pair struct {
	client *allocation
	peer   *net.UDPConn
}

func newPair(relay netip.AddrPort, who account, isChannel bool) (*pair, error) {
	client, err := allocate(relay, who)
	if err != nil {
		return nil, err
	}
	peer, err := net.DialUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, net.UDPAddrFromAddrPort(client.relayed))
	if err != nil {
		return nil, err
	}
	if isChannel {
		err = client.bind(addressOf(peer))
	} else {
		err = client.permit(addressOf(peer))
	}
	return &pair{client, peer}, err
}

func addressOf(socket *net.UDPConn) netip.AddrPort {
	return socket.LocalAddr().(*net.UDPAddr).AddrPort()
}

func (p *pair) close() error {
	p.peer.Close()
	return p.client.close()
}

// frame is what the client sends for a payload of so many bytes.
func (p *pair) frame(size int, isChannel bool) []byte {
	if isChannel {
		frame := make([]byte, 4+size)
		binary.BigEndian.PutUint16(frame, channel)
		binary.BigEndian.PutUint16(frame[2:], uint16(size))
		return frame
	}
	attributes := append(attribute(attrPeer, writeAddress(addressOf(p.peer))), attribute(attrData, make([]byte, size))...)
	return header(typeSend, attributes)
}

// flow is one direction of a pair: what arrives at `to` is counted, and sent again at `from`.
type flow struct {
	from, to int
	packet   []byte
	arrived  time.Time
}

func (f *flow) send(packets int) {
	for i := 0; i < packets; i++ {
		syscall.Write(f.from, f.packet)
	}
}

// generator keeps a window of packets under way for each flow, in one thread that asks the system for nothing
// but packets: it has to be faster than the relay.
type generator struct {
	flows          []*flow
	epoll          int
	buffer         []byte
	received, lost int64
}

func newGenerator(flows []*flow) (*generator, error) {
	epoll, err := syscall.EpollCreate1(0)
	if err != nil {
		return nil, err
	}
	for i, f := range flows {
		event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(i)}
		if err := syscall.EpollCtl(epoll, syscall.EPOLL_CTL_ADD, f.to, &event); err != nil {
			return nil, err
		}
		f.arrived = time.Now()
		f.send(*window)
	}
	return &generator{flows: flows, epoll: epoll, buffer: make([]byte, maxDatagram)}, nil
}

func (g *generator) runUntil(end time.Time) error {
	events := make([]syscall.EpollEvent, len(g.flows))
	for now := time.Now(); now.Before(end); now = time.Now() {
		ready, err := syscall.EpollWait(g.epoll, events, epollTimeout)
		if err != nil && err != syscall.EINTR {
			return err
		}
		for i := 0; i < ready; i++ {
			g.serve(now, g.flows[events[i].Fd])
		}
		for _, f := range g.flows {
			if now.Sub(f.arrived) < patience {
				continue
			}
			g.lost += int64(*window)
			f.arrived = now
			f.send(*window)
		}
	}
	return nil
}

func (g *generator) serve(now time.Time, f *flow) {
	f.arrived = now
	for i := 0; i < readsInARow; i++ {
		if _, err := syscall.Read(f.to, g.buffer); err != nil {
			return
		}
		g.received++
		f.send(1)
	}
}

// drain takes what is still under way, so that nothing of it is taken for an answer.
func (g *generator) drain() {
	time.Sleep(50 * time.Millisecond)
	for _, f := range g.flows {
		for err := error(nil); err == nil; {
			_, err = syscall.Read(f.to, g.buffer)
		}
	}
	syscall.Close(g.epoll)
}

// throughput counts what arrives of so many packets under way at once.
func throughput(relay netip.AddrPort, who account, size int, isChannel, isUp bool) (measurement, error) {
	pairs, flows := []*pair{}, []*flow{}
	for i := 0; i < *clients; i++ {
		p, err := newPair(relay, who, isChannel)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, p)
		client, peer := descriptor(p.client.conn), descriptor(p.peer)
		if isUp {
			flows = append(flows, &flow{from: client, to: peer, packet: p.frame(size, isChannel)})
		} else {
			flows = append(flows, &flow{from: peer, to: client, packet: make([]byte, size)})
		}
	}
	g, err := newGenerator(flows)
	if err != nil {
		return nil, err
	}
	start := time.Now().Add(time.Duration(warmSeconds * float64(time.Second)))
	if err := g.runUntil(start); err != nil {
		return nil, err
	}
	before, used := g.received, cpuOf(*pid)
	start = time.Now()
	if err := g.runUntil(start.Add(time.Duration(*seconds * float64(time.Second)))); err != nil {
		return nil, err
	}
	packets, used, elapsed := float64(g.received-before), cpuOf(*pid).less(used), time.Since(start).Seconds()
	g.drain()
	for _, p := range pairs {
		if err := p.close(); err != nil {
			return nil, err
		}
	}
	if packets == 0 {
		return nil, fmt.Errorf("nothing arrived, %d lost", g.lost)
	}
	return measurement{
		"packetsPerSecond":    round(packets / elapsed),
		"cpuShare":            used.total() / elapsed,
		"packetsPerCpuSecond": round(packets / used.total()),
		"userUsec":            used.user / packets * 1e6,
		"systemUsec":          used.system / packets * 1e6,
		"lost":                g.lost,
	}, nil
}

// descriptor of a socket, which stays where it is as long as the socket is open.
func descriptor(socket *net.UDPConn) int {
	number := -1
	if raw, err := socket.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { number = int(fd) })
	}
	return number
}
