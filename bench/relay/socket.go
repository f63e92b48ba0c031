package main

import (
	"math/rand"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

const (
	sourceHosts     = 200
	firstSourcePort = 10_000
	portsOfSource   = 50_000
)

// socket is a UDP socket of the system, not one of Go's: what waits in Go's poller is woken for each
// packet, and who sends the packet pays for that.
type socket int

var (
	firstSource = rand.Intn(sourceHosts * portsOfSource) // two runs may meet one relay
	sources     atomic.Int32
)

// dial takes a source that no socket of ours had before: a relay may remember a closed one for a while.
func dial(to netip.AddrPort) (socket, error) {
	for {
		source := firstSource + int(sources.Add(1))
		host := [4]byte{127, 0, 1, byte(1 + source/portsOfSource%sourceHosts)}
		fd, err := bound(host, firstSourcePort+source%portsOfSource)
		if err == syscall.EADDRINUSE {
			continue
		}
		if err != nil {
			return -1, err
		}
		if err := syscall.Connect(fd, &syscall.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())}); err != nil {
			syscall.Close(fd)
			return -1, err
		}
		return socket(fd), nil
	}
}

// listen takes what anybody on this machine sends.
func listen() (socket, error) {
	fd, err := bound([4]byte{127, 0, 0, 1}, 0)
	return socket(fd), err
}

func bound(host [4]byte, port int) (int, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		return -1, err
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: host, Port: port}); err != nil {
		syscall.Close(fd)
		return -1, err
	}
	return fd, nil
}

func (s socket) address() netip.AddrPort {
	name, _ := syscall.Getsockname(int(s))
	inet, ok := name.(*syscall.SockaddrInet4)
	if !ok {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(netip.AddrFrom4(inet.Addr), uint16(inet.Port))
}

// patience is how long receive waits.
func (s socket) patience(limit time.Duration) error {
	value := syscall.NsecToTimeval(limit.Nanoseconds())
	return syscall.SetsockoptTimeval(int(s), syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &value)
}

func (s socket) send(packet []byte) error {
	_, err := syscall.Write(int(s), packet)
	return err
}

func (s socket) receive(buffer []byte) (int, error) {
	return syscall.Read(int(s), buffer)
}

// poll says whether a packet was there.
func (s socket) poll(buffer []byte) bool {
	_, _, err := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(s),
		uintptr(unsafe.Pointer(&buffer[0])), uintptr(len(buffer)), syscall.MSG_DONTWAIT, 0, 0)
	return err == 0
}

func (s socket) close() error { return syscall.Close(int(s)) }
