// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/link/pipe"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"
)

const (
	clientAddress = tcpip.Address("\x0a\x00\x00\x01")
	serverAddress = tcpip.Address("\x0a\x00\x00\x02")
)

// newPair makes two stacks that are joined in memory, and serves on one; the other is the client's.
func newPair(mtu uint32) *stack.Stack {
	a, b := pipe.New("\x02\x00\x00\x00\x00\x01", "\x02\x00\x00\x00\x00\x02", mtu)
	client := newStack(a, clientAddress)
	serve(newStack(b, serverAddress))
	return client
}

// connect gives a connection to a service, and its endpoint.
func connect(s *stack.Stack, port uint16) (*gonet.TCPConn, tcpip.Endpoint) {
	wq := &waiter.Queue{}
	ep, err := s.NewEndpoint(tcp.ProtocolNumber, ipv4.ProtocolNumber, wq)
	must("endpoint", err)
	entry, writable := waiter.NewChannelEntry(waiter.WritableEvents)
	wq.EventRegister(&entry)
	defer wq.EventUnregister(&entry)
	err = ep.Connect(tcpip.FullAddress{NIC: nic, Addr: serverAddress, Port: port})
	if _, started := err.(*tcpip.ErrConnectStarted); started {
		<-writable
		err = ep.LastError()
	}
	must("connect", err)
	return gonet.NewTCPConn(wq, ep), ep
}

func pairBulk(mtu uint32, span time.Duration) {
	c, _ := connect(newPair(mtu), portSink)
	var sent uint64
	begin := time.Now()
	for time.Since(begin) < span {
		n, err := c.Write(patternAt(sent))
		if err != nil {
			giveUp("send", err)
		}
		sent += uint64(n)
	}
	c.CloseWrite()
	var verdict [8]byte
	if _, err := io.ReadFull(c, verdict[:]); err != nil || binary.BigEndian.Uint64(verdict[:]) != sent {
		giveUp("what was received is not what was sent", err)
	}
	took := time.Since(begin)
	fmt.Printf("{\"gbit\": %.4f, \"bytes\": %d}\n", float64(sent)*8/float64(took.Nanoseconds()), sent)
}

// exchange is one connection: connect, ask, reset.
func exchange(s *stack.Stack, number uint64) {
	var answer [message]byte
	c, ep := connect(s, portEcho)
	question := patternAt(number)[:message]
	if _, err := c.Write(question); err != nil {
		giveUp("send", err)
	}
	if _, err := io.ReadFull(c, answer[:]); err != nil || !bytes.Equal(answer[:], question) {
		giveUp("the answer is not what was asked", err)
	}
	ep.SocketOptions().SetLinger(tcpip.LingerOption{Enabled: true})
	c.Close()
}

func pairConnect(span time.Duration, atOnce int) {
	s := newPair(mtu)
	var count uint64
	var all sync.WaitGroup
	begin := time.Now()
	for i := 0; i < atOnce; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for time.Since(begin) < span {
				exchange(s, atomic.AddUint64(&count, 1))
			}
		}()
	}
	all.Wait()
	took := time.Since(begin)
	fmt.Printf("{\"rate\": %.1f, \"count\": %d}\n", float64(count)/took.Seconds(), count)
}
