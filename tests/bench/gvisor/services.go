// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

const (
	portSink = 5001 + iota
	portSource
	portEcho
	portOnce
)

const (
	message = 64
	period  = 65521
	chunk   = 131072
)

var pattern [period + chunk]byte

func fillPattern() {
	for i := range pattern {
		pattern[i] = byte(uint32(i%period) * 2654435761 >> 13)
	}
}

// patternAt is where to send from, and what to compare with.
func patternAt(at uint64) []byte {
	return pattern[at%period : at%period+chunk]
}

func sink(c net.Conn) {
	data := make([]byte, chunk)
	var count uint64
	for {
		n, err := c.Read(data)
		if !bytes.Equal(data[:n], patternAt(count)[:n]) {
			return
		}
		count += uint64(n)
		if err == io.EOF {
			break
		}
		if err != nil {
			return
		}
	}
	var verdict [8]byte
	binary.BigEndian.PutUint64(verdict[:], count)
	c.Write(verdict[:])
}

func source(c net.Conn) {
	for at := uint64(0); ; {
		n, err := c.Write(patternAt(at))
		if err != nil {
			return
		}
		at += uint64(n)
	}
}

func echo(c net.Conn) {
	for once(c) {
	}
}

// once sends one message back. Was there one?
func once(c net.Conn) bool {
	var m [message]byte
	if _, err := io.ReadFull(c, m[:]); err != nil {
		return false
	}
	_, err := c.Write(m[:])
	return err == nil
}

// serve starts all services.
func serve(s *stack.Stack) {
	services := map[uint16]func(net.Conn){
		portSink: sink, portSource: source, portEcho: echo, portOnce: func(c net.Conn) { once(c) },
	}
	for port, service := range services {
		l, err := gonet.ListenTCP(s, tcpip.FullAddress{NIC: nic, Port: port}, ipv4.ProtocolNumber)
		if err != nil {
			giveUp("listen", err)
		}
		go accept(l, service)
	}
}

func accept(l net.Listener, service func(net.Conn)) {
	for {
		c, err := l.Accept()
		if err != nil {
			giveUp("accept", err)
		}
		go func() {
			service(c)
			c.Close()
		}()
	}
}
