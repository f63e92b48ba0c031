// relayload loads a TURN relay and counts what arrives: one JSON line for each measurement.
package main

import (
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

var (
	server  = flag.String("server", "127.0.0.1:3478", "the relay")
	name    = flag.String("user", "u", "its user")
	pass    = flag.String("password", "p", "and password")
	pid     = flag.Int("pid", 0, "process of the relay, whose CPU time and memory are read")
	clients = flag.Int("clients", 8, "allocations that send at once")
	window  = flag.Int("window", 32, "packets of each under way")
	seconds = flag.Float64("seconds", 2, "of each measurement")
	many    = flag.Int("many", 500, "allocations kept at once for the measurement of memory")
	only    = flag.String("only", "", "name of the one measurement to make")
)

type measurement map[string]any

func main() {
	flag.Parse()
	signal.Ignore(os.Interrupt)
	relay := netip.MustParseAddrPort(*server)
	who := account{*name, *pass}
	out := json.NewEncoder(os.Stdout)
	run := func(title string, measure func() (measurement, error)) {
		if *only != "" && *only != title {
			return
		}
		result, err := measure()
		if err != nil {
			fmt.Fprintln(os.Stderr, title+":", err)
			os.Exit(1)
		}
		result["name"] = title
		out.Encode(result)
	}
	for _, size := range []int{100, 1000} {
		for _, isChannel := range []bool{true, false} {
			for _, isUp := range []bool{true, false} {
				title := fmt.Sprintf("%s %s %d", kind(isChannel), direction(isUp), size)
				run(title, func() (measurement, error) { return throughput(relay, who, size, isChannel, isUp) })
			}
		}
	}
	run("latency", func() (measurement, error) { return latency(relay, who) })
	run("allocations", func() (measurement, error) { return allocations(relay, who) })
	run("memory", func() (measurement, error) { return memory(relay, who) })
}

func kind(isChannel bool) string {
	if isChannel {
		return "channel"
	}
	return "indication"
}

func direction(isUp bool) string {
	if isUp {
		return "client-to-peer"
	}
	return "peer-to-client"
}

// pair is a client with its allocation, and the peer that it talks to.
type pair struct {
	client *allocation
	peer   *net.UDPConn
}

func newPair(relay netip.AddrPort, who account, isChannel bool) (*pair, error) {
	peer, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	client, err := allocate(relay, who)
	if err != nil {
		return nil, err
	}
	address := peer.LocalAddr().(*net.UDPAddr).AddrPort()
	if isChannel {
		err = client.bind(address)
	} else {
		err = client.permit(address)
	}
	return &pair{client, peer}, err
}

func (p *pair) close() {
	p.client.close()
	p.peer.Close()
}

// frame is what the client sends for a payload of so many bytes.
func (p *pair) frame(size int, isChannel bool) []byte {
	if isChannel {
		frame := make([]byte, 4+size)
		binary.BigEndian.PutUint16(frame, channel)
		binary.BigEndian.PutUint16(frame[2:], uint16(size))
		return frame
	}
	address := p.peer.LocalAddr().(*net.UDPAddr).AddrPort()
	attributes := append(attribute(attrPeer, writeAddress(address)), attribute(attrData, make([]byte, size))...)
	return header(typeSend, attributes)
}

// throughput keeps a window of packets under way for each client and counts those that arrive.
func throughput(relay netip.AddrPort, who account, size int, isChannel, isUp bool) (measurement, error) {
	var received, lost atomic.Int64
	var stop atomic.Bool
	var senders sync.WaitGroup
	pairs := []*pair{}
	for i := 0; i < *clients; i++ {
		p, err := newPair(relay, who, isChannel)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, p)
	}
	for _, p := range pairs {
		tokens := make(chan struct{}, *window)
		from, payload := p.client.conn, p.frame(size, isChannel)
		to := p.peer
		send := func() { from.Write(payload) }
		if !isUp {
			from, to, payload = p.peer, p.client.conn, make([]byte, size)
			send = func() { from.WriteToUDPAddrPort(payload, p.client.relayed) }
		}
		go func() {
			buffer := make([]byte, maxDatagram)
			for {
				if _, err := to.Read(buffer); err != nil {
					return
				}
				received.Add(1)
				select {
				case tokens <- struct{}{}:
				default:
				}
			}
		}()
		for i := 0; i < *window; i++ {
			tokens <- struct{}{}
		}
		senders.Add(1)
		go func() {
			defer senders.Done()
			timeout := time.NewTicker(50 * time.Millisecond)
			defer timeout.Stop()
			quiet := 0
			for !stop.Load() {
				select {
				case <-tokens:
					quiet = 0
					send()
				case <-timeout.C:
					// Two ticks without an arrival: what was under way is lost.
					if quiet++; quiet == 2 {
						lost.Add(int64(*window))
						for i := 0; i < *window; i++ {
							send()
						}
					}
				}
			}
		}()
	}
	time.Sleep(300 * time.Millisecond) // warm
	packets, cpu, start := received.Load(), cpuSeconds(), time.Now()
	time.Sleep(time.Duration(*seconds * float64(time.Second)))
	packets, cpu = received.Load()-packets, cpuSeconds()-cpu
	elapsed := time.Since(start).Seconds()
	stop.Store(true)
	senders.Wait()
	time.Sleep(50 * time.Millisecond)
	for _, p := range pairs {
		p.close()
	}
	return measurement{
		"packetsPerSecond":    round(float64(packets) / elapsed),
		"cpuShare":            cpu / elapsed,
		"packetsPerCpuSecond": round(float64(packets) / cpu),
		"lost":                lost.Load(),
	}, nil
}

// latency sends one packet at a time through the relay and straight; the difference is what the relay adds.
func latency(relay netip.AddrPort, who account) (measurement, error) {
	p, err := newPair(relay, who, true)
	if err != nil {
		return nil, err
	}
	defer p.close()
	straight, err := net.DialUDP("udp4", nil, p.peer.LocalAddr().(*net.UDPAddr))
	if err != nil {
		return nil, err
	}
	relayed := medianOf(p.client.conn, p.peer, p.frame(100, true))
	direct := medianOf(straight, p.peer, make([]byte, 100))
	return measurement{"addedP50Usec": relayed - direct, "directP50Usec": direct}, nil
}

func medianOf(from, to *net.UDPConn, payload []byte) float64 {
	buffer := make([]byte, maxDatagram)
	times := []float64{}
	for until := time.Now().Add(time.Duration(*seconds * float64(time.Second))); time.Now().Before(until); {
		start := time.Now()
		from.Write(payload)
		to.SetReadDeadline(start.Add(100 * time.Millisecond))
		if _, err := to.Read(buffer); err == nil {
			times = append(times, float64(time.Since(start).Nanoseconds())/1000)
		}
	}
	to.SetReadDeadline(time.Time{})
	sort.Float64s(times)
	if len(times) == 0 {
		return 0
	}
	return times[len(times)/2]
}

// allocations makes and ends them: 401, Allocate, Refresh with 0, from sixteen at once.
func allocations(relay netip.AddrPort, who account) (measurement, error) {
	var done, failed atomic.Int64
	var workers sync.WaitGroup
	start, cpu := time.Now(), cpuSeconds()
	until := start.Add(time.Duration(*seconds * float64(time.Second)))
	for i := 0; i < 16; i++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for time.Now().Before(until) {
				a, err := allocate(relay, who)
				if err != nil || a.close() != nil {
					failed.Add(1)
					continue
				}
				done.Add(1)
			}
		}()
	}
	workers.Wait()
	elapsed := time.Since(start).Seconds()
	return measurement{
		"allocationsPerSecond": round(float64(done.Load()) / elapsed),
		"cpuShare":             (cpuSeconds() - cpu) / elapsed,
		"failed":               failed.Load(),
	}, nil
}

func memory(relay netip.AddrPort, who account) (measurement, error) {
	before := residentBytes()
	kept := []*allocation{}
	for i := 0; i < *many; i++ {
		a, err := allocate(relay, who)
		if err != nil {
			return nil, err
		}
		kept = append(kept, a)
	}
	time.Sleep(500 * time.Millisecond)
	after := residentBytes()
	for _, a := range kept {
		a.close()
	}
	return measurement{"bytesPerAllocation": round(float64(after-before) / float64(*many)), "allocations": *many}, nil
}

// cpuSeconds of the relay, user and system.
func cpuSeconds() float64 {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(*pid) + "/stat")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	user, _ := strconv.ParseFloat(fields[11], 64)
	system, _ := strconv.ParseFloat(fields[12], 64)
	return (user + system) / 100 // ticks: 100 a second on every Linux
}

func residentBytes() int64 {
	statm, err := os.ReadFile("/proc/" + strconv.Itoa(*pid) + "/statm")
	if err != nil {
		return 0
	}
	pages, _ := strconv.ParseInt(strings.Fields(string(statm))[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

func round(value float64) int64 { return int64(value + 0.5) }
