// pionclient allocates by pion's client, over UDP or TCP, and echoes through the relay.
package main

import (
	"fmt"
	"net"
	"os"
	"time"

	"github.com/pion/logging"
	"github.com/pion/turn/v4"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func allocate(network, server string) (*turn.Client, net.PacketConn) {
	var conn net.PacketConn
	if network == "tcp" {
		stream, err := net.Dial("tcp", server)
		check(err)
		conn = turn.NewSTUNConn(stream)
	} else {
		var err error
		conn, err = net.ListenPacket("udp4", "127.0.0.1:0")
		check(err)
	}
	client, err := turn.NewClient(&turn.ClientConfig{
		STUNServerAddr: server, TURNServerAddr: server, Conn: conn,
		Username: "alice", Password: "wonderland", LoggerFactory: logging.NewDefaultLoggerFactory(),
	})
	check(err)
	check(client.Listen())
	relayed, err := client.Allocate()
	check(err)
	return client, relayed
}

func main() {
	network, server := os.Args[1], os.Args[2]
	a, relayA := allocate(network, server)
	b, relayB := allocate(network, server)
	defer a.Close()
	defer b.Close()
	check(a.CreatePermission(relayB.LocalAddr()))
	check(b.CreatePermission(relayA.LocalAddr()))
	buffer := make([]byte, 2000)
	for n := 0; n < 200; n++ {
		payload := []byte(fmt.Sprintf("message %d", n))
		_, err := relayA.WriteTo(payload, relayB.LocalAddr())
		check(err)
		check(relayB.SetReadDeadline(time.Now().Add(5 * time.Second)))
		length, from, err := relayB.ReadFrom(buffer)
		check(err)
		if string(buffer[:length]) != string(payload) || from.String() != relayA.LocalAddr().String() {
			check(fmt.Errorf("got %q from %v", buffer[:length], from))
		}
		_, err = relayB.WriteTo(payload, from)
		check(err)
		check(relayA.SetReadDeadline(time.Now().Add(5 * time.Second)))
		_, _, err = relayA.ReadFrom(buffer)
		check(err)
	}
	check(relayA.Close())
	check(relayB.Close())
	fmt.Println("echoed 200")
}
