package main

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"
)

const (
	warmSeconds = 0.3
	readsInARow = 32 // of one socket, then the others have their turn
	patience    = 200 * time.Millisecond
)

// pair is a client with its allocation, and the peer that it talks to: both sockets are connected.
type pair struct {
	client *allocation
	peer   socket
}

func newPair(relay netip.AddrPort, who account, isChannel bool) (*pair, error) {
	client, err := allocate(relay, who)
	if err != nil {
		return nil, err
	}
	peer, err := dial(client.relayed)
	if err != nil {
		return nil, err
	}
	if isChannel {
		err = client.bind(peer.address())
	} else {
		err = client.permit(peer.address())
	}
	return &pair{client, peer}, err
}

func (p *pair) close() error {
	p.peer.close()
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
	attributes := append(attribute(attrPeer, writeAddress(p.peer.address())), attribute(attrData, make([]byte, size))...)
	return header(typeSend, attributes)
}

// flow is one direction of a pair: what arrives at `to` is counted, and sent again at `from`.
type flow struct {
	from, to socket
	packet   []byte
	arrived  time.Time
}

func (f *flow) send(packets int) {
	for i := 0; i < packets; i++ {
		f.from.send(f.packet)
	}
}

// generator keeps a window of packets under way for each flow, in one thread that never sleeps: were it woken
// for each packet, the relay that sends would pay for that, and the slower one more often.
type generator struct {
	flows          []*flow
	buffer         []byte
	received, lost int64
}

func newGenerator(flows []*flow) *generator {
	for _, f := range flows {
		f.arrived = time.Now()
		f.send(*window)
	}
	return &generator{flows: flows, buffer: make([]byte, maxDatagram)}
}

func (g *generator) runUntil(end time.Time) {
	for now := time.Now(); now.Before(end); now = time.Now() {
		for _, f := range g.flows {
			if g.serve(f) {
				f.arrived = now
			} else if now.Sub(f.arrived) > patience {
				g.lost += int64(*window)
				f.arrived = now
				f.send(*window)
			}
		}
	}
}

// serve answers what has arrived of a flow. False: nothing has.
func (g *generator) serve(f *flow) bool {
	for i := 0; i < readsInARow; i++ {
		if !f.to.poll(g.buffer) {
			return i > 0
		}
		g.received++
		f.send(1)
	}
	return true
}

// drain takes what is still under way, so that nothing of it is taken for an answer.
func (g *generator) drain() {
	time.Sleep(50 * time.Millisecond)
	for _, f := range g.flows {
		for f.to.poll(g.buffer) {
		}
	}
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
		if isUp {
			flows = append(flows, &flow{from: p.client.socket, to: p.peer, packet: p.frame(size, isChannel)})
		} else {
			flows = append(flows, &flow{from: p.peer, to: p.client.socket, packet: make([]byte, size)})
		}
	}
	g := newGenerator(flows)
	g.runUntil(time.Now().Add(time.Duration(warmSeconds * float64(time.Second))))
	before, used, start := g.received, cpuOf(*pid), time.Now()
	g.runUntil(start.Add(time.Duration(*seconds * float64(time.Second))))
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
