// relayload loads a TURN relay and counts what arrives: one JSON line for each measurement.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"sort"
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
	many    = flag.Int("many", 2000, "allocations kept at once for the measurement of memory")
	only    = flag.String("only", "", "measurements to make, by name and with commas between them; throughput is eight of them")
)

type measurement map[string]any

func main() {
	flag.Parse()
	signal.Ignore(os.Interrupt)
	relay := netip.MustParseAddrPort(*server)
	who := account{*name, *pass}
	out := json.NewEncoder(os.Stdout)
	run := func(title string, measure func() (measurement, error)) {
		if !isWanted(title) {
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
				title := fmt.Sprintf("throughput %s %s %d", kind(isChannel), direction(isUp), size)
				run(title, func() (measurement, error) { return throughput(relay, who, size, isChannel, isUp) })
			}
		}
	}
	run("latency", func() (measurement, error) { return latency(relay, who) })
	run("allocations", func() (measurement, error) { return allocations(relay, who) })
	run("memory", func() (measurement, error) { return memory(relay, who) })
}

func isWanted(title string) bool {
	wanted := strings.Split(*only, ",")
	return *only == "" || slices.Contains(wanted, title) || slices.Contains(wanted, title[:strings.IndexByte(title+" ", ' ')])
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

// latency sends one packet at a time through the relay and straight, in turn; the difference is what the relay adds.
func latency(relay netip.AddrPort, who account) (measurement, error) {
	p, err := newPair(relay, who, true)
	if err != nil {
		return nil, err
	}
	target, err := listen()
	if err != nil {
		return nil, err
	}
	straight, err := dial(target.address())
	if err != nil {
		return nil, err
	}
	for _, s := range []socket{p.peer, target} {
		if err := s.patience(100 * time.Millisecond); err != nil {
			return nil, err
		}
	}
	frame, payload := p.frame(100, true), make([]byte, 100)
	for until := time.Now().Add(time.Duration(warmSeconds * float64(time.Second))); time.Now().Before(until); {
		appendTrip(nil, p.client.socket, p.peer, frame)
	}
	relayed, direct := []float64{}, []float64{}
	for until := time.Now().Add(time.Duration(*seconds * float64(time.Second))); time.Now().Before(until); {
		relayed = appendTrip(relayed, p.client.socket, p.peer, frame)
		direct = appendTrip(direct, straight, target, payload)
	}
	straight.close()
	target.close()
	if err := p.close(); err != nil {
		return nil, err
	}
	if len(relayed) == 0 || len(direct) == 0 {
		return nil, errors.New("nothing arrived")
	}
	return measurement{
		"addedP50Usec":  quantile(relayed, 0.5) - quantile(direct, 0.5),
		"addedP90Usec":  quantile(relayed, 0.9) - quantile(direct, 0.9),
		"directP50Usec": quantile(direct, 0.5),
	}, nil
}

// appendTrip appends how long a packet took, in µs, unless it was lost.
func appendTrip(times []float64, from, to socket, packet []byte) []float64 {
	buffer := make([]byte, maxDatagram)
	start := time.Now()
	from.send(packet)
	if _, err := to.receive(buffer); err != nil {
		return times
	}
	return append(times, float64(time.Since(start).Nanoseconds())/1000)
}

func quantile(values []float64, share float64) float64 {
	sort.Float64s(values)
	return values[int(share*float64(len(values)-1))]
}

const (
	askers                = 16
	warmAllocationSeconds = 1.5 // a program that is compiled while it runs is not compared while it is
)

// allocations makes and ends them: 401, Allocate, Refresh with 0, from sixteen at once.
func allocations(relay netip.AddrPort, who account) (measurement, error) {
	var done, failed atomic.Int64
	var stop atomic.Bool
	var workers sync.WaitGroup
	runtime.GOMAXPROCS(askers) // each waits in a system call
	for i := 0; i < askers; i++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for !stop.Load() {
				a, err := allocate(relay, who)
				if err != nil || a.close() != nil {
					failed.Add(1)
					continue
				}
				done.Add(1)
			}
		}()
	}
	time.Sleep(time.Duration(warmAllocationSeconds * float64(time.Second)))
	before, used, start := done.Load(), cpuOf(*pid), time.Now()
	time.Sleep(time.Duration(*seconds * float64(time.Second)))
	count, used, elapsed := float64(done.Load()-before), cpuOf(*pid).less(used), time.Since(start).Seconds()
	stop.Store(true)
	workers.Wait()
	return measurement{
		"allocationsPerSecond":    round(count / elapsed),
		"allocationsPerCpuSecond": round(count / used.total()),
		"cpuShare":                used.total() / elapsed,
		"userUsec":                used.user / count * 1e6,
		"systemUsec":              used.system / count * 1e6,
		"failed":                  failed.Load(),
	}, nil
}

func memory(relay netip.AddrPort, who account) (measurement, error) {
	before := residentBytes(*pid)
	kept := []*allocation{}
	for i := 0; i < *many; i++ {
		a, err := allocate(relay, who)
		if err != nil {
			return nil, err
		}
		kept = append(kept, a)
	}
	time.Sleep(500 * time.Millisecond)
	after := residentBytes(*pid)
	for _, a := range kept {
		a.close()
	}
	return measurement{"bytesPerAllocation": round(float64(after-before) / float64(*many)), "allocations": *many}, nil
}

func round(value float64) int64 { return int64(value + 0.5) }
