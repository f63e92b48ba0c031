// pionpeer is pion's ICE agent, driven by JSON lines as test/natlab/ice-peer.ts is.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v3"
)

type credentials struct {
	Ufrag    string `json:"ufrag"`
	Password string `json:"password"`
}

type command struct {
	Type    string `json:"type"`
	Servers []struct {
		Urls       json.RawMessage `json:"urls"`
		Username   string          `json:"username"`
		Credential string          `json:"credential"`
	} `json:"servers"`
	Options struct {
		Role string `json:"role"`
	} `json:"options"`
	Credentials credentials `json:"credentials"`
	Text        string      `json:"text"`
}

var output sync.Mutex

func tell(kind string, fields map[string]any) {
	output.Lock()
	defer output.Unlock()
	line := map[string]any{"type": kind, "at": float64(time.Now().UnixMicro()) / 1000}
	for name, value := range fields {
		line[name] = value
	}
	text, err := json.Marshal(line)
	check(err)
	fmt.Println(string(text))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type peer struct {
	agent         *ice.Agent
	conn          *ice.Conn
	isControlling bool
}

func (p *peer) open(c command) {
	var urls []*stun.URI
	for _, server := range c.Servers {
		var texts []string
		if json.Unmarshal(server.Urls, &texts) != nil {
			var text string
			check(json.Unmarshal(server.Urls, &text))
			texts = []string{text}
		}
		for _, text := range texts {
			url, err := stun.ParseURI(text)
			check(err)
			url.Username, url.Password = server.Username, server.Credential
			urls = append(urls, url)
		}
	}
	agent, err := ice.NewAgent(&ice.AgentConfig{
		Urls:               urls,
		NetworkTypes:       []ice.NetworkType{ice.NetworkTypeUDP4, ice.NetworkTypeUDP6},
		InsecureSkipVerify: true,
		MulticastDNSMode:   ice.MulticastDNSModeDisabled,
	})
	check(err)
	p.agent, p.isControlling = agent, c.Options.Role == "controlling"
	check(agent.OnCandidate(func(candidate ice.Candidate) {
		if candidate == nil {
			tell("endOfCandidates", nil)
		} else {
			tell("candidate", map[string]any{"text": "candidate:" + candidate.Marshal()})
		}
	}))
	check(agent.OnConnectionStateChange(func(state ice.ConnectionState) {
		if state == ice.ConnectionStateFailed {
			tell("state", map[string]any{"state": "failed", "failure": "failed"})
		}
	}))
	check(agent.OnSelectedCandidatePairChange(func(local, remote ice.Candidate) {
		tell("pair", map[string]any{"pair": map[string]any{
			"local":     describe(local),
			"remote":    describe(remote),
			"isRelayed": local.Type() == ice.CandidateTypeRelay || remote.Type() == ice.CandidateTypeRelay,
		}})
	}))
	ufrag, password, err := agent.GetLocalUserCredentials()
	check(err)
	tell("opened", map[string]any{"credentials": credentials{ufrag, password}})
	check(agent.GatherCandidates())
}

func describe(candidate ice.Candidate) map[string]any {
	return map[string]any{
		"type": candidate.Type().String(), "host": candidate.Address(), "port": candidate.Port(),
	}
}

func (p *peer) connect(remote credentials) {
	start := p.agent.Accept
	if p.isControlling {
		start = p.agent.Dial
	}
	conn, err := start(context.Background(), remote.Ufrag, remote.Password)
	if err != nil {
		return // it was closed meanwhile
	}
	p.conn = conn
	tell("state", map[string]any{"state": "connected"})
	buffer := make([]byte, 2000)
	for {
		length, err := conn.Read(buffer)
		if err != nil {
			return
		}
		tell("datagram", map[string]any{"text": string(buffer[:length])})
	}
}

func (p *peer) handle(c command) {
	switch c.Type {
	case "open":
		p.open(c)
	case "credentials":
		go p.connect(c.Credentials)
	case "candidate":
		candidate, err := ice.UnmarshalCandidate(strings.TrimPrefix(c.Text, "candidate:"))
		check(err)
		check(p.agent.AddRemoteCandidate(candidate))
	case "send":
		if p.conn != nil {
			_, _ = p.conn.Write([]byte(c.Text))
		}
	case "close":
		check(p.agent.Close())
		p.agent, p.conn = nil, nil
		tell("closed", nil)
	}
}

func main() {
	tell("ready", nil)
	lines := bufio.NewScanner(os.Stdin)
	p := &peer{}
	for lines.Scan() {
		var c command
		check(json.Unmarshal(lines.Bytes(), &c))
		p.handle(c)
	}
}
