package main

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// RFC 8489 §18, RFC 8656 §17 and §18.
const (
	cookie             = 0x2112a442
	methodAllocate     = 0x003
	methodRefresh      = 0x004
	methodPermission   = 0x008
	methodChannelBind  = 0x009
	typeSend           = 0x0016
	attrUsername       = 0x0006
	attrIntegrity      = 0x0008
	attrErrorCode      = 0x0009
	attrChannel        = 0x000c
	attrLifetime       = 0x000d
	attrPeer           = 0x0012
	attrData           = 0x0013
	attrRealm          = 0x0014
	attrNonce          = 0x0015
	attrRelayed        = 0x0016
	attrTransport      = 0x0019
	channel            = 0x4000
	answerTimeout      = 2 * time.Second
	maxDatagram        = 2048
	classBitsOfSuccess = 0x0100
)

type account struct{ name, password string }

// allocation is one client of the relay: a socket, and what the relay gave it.
type allocation struct {
	socket       socket
	account      account
	realm, nonce []byte
	key          []byte
	relayed      netip.AddrPort
}

func allocate(relay netip.AddrPort, who account) (*allocation, error) {
	opened, err := dial(relay)
	if err != nil {
		return nil, err
	}
	if err := opened.patience(answerTimeout); err != nil {
		return nil, err
	}
	a := &allocation{socket: opened, account: who}
	transport := attribute(attrTransport, []byte{17, 0, 0, 0})
	for attempt := 0; attempt < 2; attempt++ {
		answer, err := a.ask(methodAllocate, transport)
		if err != nil {
			opened.close()
			return nil, err
		}
		if relayed, ok := answer[attrRelayed]; ok {
			a.relayed = readAddress(relayed)
			return a, nil
		}
		a.realm, a.nonce = answer[attrRealm], answer[attrNonce]
		sum := md5.Sum([]byte(who.name + ":" + string(a.realm) + ":" + who.password))
		a.key = sum[:]
	}
	opened.close()
	return nil, errors.New("no allocation")
}

func (a *allocation) bind(peer netip.AddrPort) error {
	number := attribute(attrChannel, []byte{channel >> 8, channel & 0xff, 0, 0})
	return a.must(methodChannelBind, append(number, attribute(attrPeer, writeAddress(peer))...))
}

func (a *allocation) permit(peer netip.AddrPort) error {
	return a.must(methodPermission, attribute(attrPeer, writeAddress(peer)))
}

// close gives the allocation back.
func (a *allocation) close() error {
	err := a.must(methodRefresh, attribute(attrLifetime, []byte{0, 0, 0, 0}))
	a.socket.close()
	return err
}

func (a *allocation) must(method uint16, attributes []byte) error {
	answer, err := a.ask(method, attributes)
	if err != nil {
		return err
	}
	if code, ok := answer[attrErrorCode]; ok {
		return fmt.Errorf("method %d: error %d%02d", method, code[2], code[3])
	}
	return nil
}

// ask sends a request and reads its answer: attributes by type, the first of each.
func (a *allocation) ask(method uint16, attributes []byte) (map[uint16][]byte, error) {
	request := header(method, attributes)
	if a.key != nil {
		request = append(request, attribute(attrUsername, []byte(a.account.name))...)
		request = append(request, attribute(attrRealm, a.realm)...)
		request = append(request, attribute(attrNonce, a.nonce)...)
		binary.BigEndian.PutUint16(request[2:], uint16(len(request)-20+24))
		mac := hmac.New(sha1.New, a.key)
		mac.Write(request)
		request = append(request, attribute(attrIntegrity, mac.Sum(nil))...)
	}
	buffer := make([]byte, maxDatagram)
	for attempt := 0; attempt < 3; attempt++ {
		if err := a.socket.send(request); err != nil {
			return nil, err
		}
		if n, err := a.socket.receive(buffer); err == nil {
			return parse(buffer[:n]), nil
		}
	}
	return nil, errors.New("the relay does not answer")
}

func parse(message []byte) map[uint16][]byte {
	found := map[uint16][]byte{}
	for at := 20; at+4 <= len(message); {
		kind := binary.BigEndian.Uint16(message[at:])
		length := int(binary.BigEndian.Uint16(message[at+2:]))
		if at+4+length > len(message) {
			break
		}
		if _, ok := found[kind]; !ok {
			found[kind] = append([]byte(nil), message[at+4:at+4+length]...)
		}
		at += 4 + (length+3)&^3
	}
	return found
}

func header(kind uint16, attributes []byte) []byte {
	message := make([]byte, 20, 20+len(attributes)+200)
	binary.BigEndian.PutUint16(message, kind)
	binary.BigEndian.PutUint16(message[2:], uint16(len(attributes)))
	binary.BigEndian.PutUint32(message[4:], cookie)
	rand.Read(message[8:20])
	return append(message, attributes...)
}

func attribute(kind uint16, value []byte) []byte {
	bytes := make([]byte, 4+(len(value)+3)&^3)
	binary.BigEndian.PutUint16(bytes, kind)
	binary.BigEndian.PutUint16(bytes[2:], uint16(len(value)))
	copy(bytes[4:], value)
	return bytes
}

// IPv4 only: what is measured is the relay.
func writeAddress(peer netip.AddrPort) []byte {
	ip := peer.Addr().As4()
	value := make([]byte, 8)
	value[1] = 1
	binary.BigEndian.PutUint16(value[2:], peer.Port()^(cookie>>16))
	binary.BigEndian.PutUint32(value[4:], binary.BigEndian.Uint32(ip[:])^cookie)
	return value
}

func readAddress(value []byte) netip.AddrPort {
	var ip [4]byte
	binary.BigEndian.PutUint32(ip[:], binary.BigEndian.Uint32(value[4:])^cookie)
	return netip.AddrPortFrom(netip.AddrFrom4(ip), binary.BigEndian.Uint16(value[2:])^(cookie>>16))
}
