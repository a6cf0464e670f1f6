// SPDX-License-Identifier: Apache-2.0

// The protocol of ../common/protocol.h on gVisor's netstack, as a peer of nicstack.
//
//	gvisor serve TUN ADDRESS         prints "ready"; ends with stdin
//	gvisor pair-bulk MTU SECONDS     one stream between two stacks in memory
//	gvisor pair-connect SECONDS N    connect, ask, reset between two stacks in memory, N at once
//
// Built against Debian's golang-gvisor-gvisor-dev. The settings are those that favour it: cubic, SACK, buffers that
// grow to 4 MiB. Its descriptor endpoint has no virtio-net header on a TUN: every checksum and segment is its own.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"

	"gvisor.dev/gvisor/pkg/log"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/fdbased"
	"gvisor.dev/gvisor/pkg/tcpip/link/tun"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

const (
	nic          = 1
	mtu          = 1500
	serverLimit  = 600 * time.Second // no run is longer
	clientExcess = 20 * time.Second  // what a client may take beyond its time
)

// silent takes netstack's warnings: it has one for each connection that was reset, and writing them would be measured.
type silent struct{}

func (silent) Emit(int, log.Level, time.Time, string, ...interface{}) {}

func giveUp(what string, why interface{}) {
	fmt.Fprintf(os.Stderr, "%s: %v\n", what, why)
	os.Exit(1)
}

// must gives up where a call of netstack failed.
func must(what string, err tcpip.Error) {
	if err != nil {
		giveUp(what, err)
	}
}

// newStack makes a stack on a link, with a /24.
func newStack(link stack.LinkEndpoint, address tcpip.Address) *stack.Stack {
	s := stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol},
	})
	sack, cubic := tcpip.TCPSACKEnabled(true), tcpip.CongestionControlOption("cubic")
	moderate := tcpip.TCPModerateReceiveBufferOption(true)
	must("SACK", s.SetTransportProtocolOption(tcp.ProtocolNumber, &sack))
	must("cubic", s.SetTransportProtocolOption(tcp.ProtocolNumber, &cubic))
	must("receive buffer", s.SetTransportProtocolOption(tcp.ProtocolNumber, &moderate))
	must("NIC", s.CreateNIC(nic, link))
	must("address", s.AddProtocolAddress(nic, tcpip.ProtocolAddress{
		Protocol:          ipv4.ProtocolNumber,
		AddressWithPrefix: tcpip.AddressWithPrefix{Address: address, PrefixLen: 24},
	}, stack.AddressProperties{}))
	s.SetRouteTable([]tcpip.Route{{Destination: header.IPv4EmptySubnet, NIC: nic}})
	return s
}

func parseAddress(text string) tcpip.Address {
	ip := net.ParseIP(text).To4()
	if ip == nil {
		giveUp("address", text)
	}
	return tcpip.Address(ip)
}

func serveTun(name, address string) {
	fd, err := tun.Open(name)
	if err != nil {
		giveUp("TUN", err)
	}
	link, err := fdbased.New(&fdbased.Options{FDs: []int{fd}, MTU: mtu})
	if err != nil {
		giveUp("link", err)
	}
	serve(newStack(link, parseAddress(address)))
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
}

// limit ends the program after a time, whatever it does.
func limit(d time.Duration) {
	time.AfterFunc(d, func() { giveUp("time", "over") })
}

func seconds(text string) time.Duration {
	s, err := strconv.ParseFloat(text, 64)
	if err != nil {
		giveUp("seconds", err)
	}
	d := time.Duration(s * float64(time.Second))
	limit(d + clientExcess)
	return d
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		giveUp("number", err)
	}
	return n
}

func main() {
	log.SetTarget(silent{})
	fillPattern()
	if len(os.Args) != 4 {
		giveUp("usage", "see the head of main.go")
	}
	a, b := os.Args[2], os.Args[3]
	switch os.Args[1] {
	case "serve":
		limit(serverLimit)
		serveTun(a, b)
	case "pair-bulk":
		pairBulk(uint32(number(a)), seconds(b))
	case "pair-connect":
		pairConnect(seconds(a), number(b))
	default:
		giveUp("usage", "see the head of main.go")
	}
}
