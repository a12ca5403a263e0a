// Rival: Go's net package, a goroutine a connection.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"
)

const (
	prSetDeathSignal = 1
	tcpQuickAck      = 12
)

// The listener's options, as ours sets them; Go's backlog is net.core.somaxconn already.
func options(_, _ string, raw syscall.RawConn) error {
	return raw.Control(func(fd uintptr) {
		syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
		syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
		syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpQuickAck, 0)
	})
}

func hello(text []byte) (int64, bool) {
	if len(text) < 8 || string(text[:6]) != "HELLO " || text[len(text)-1] != '\n' {
		return 0, false
	}
	x, err := strconv.ParseInt(string(text[6:len(text)-1]), 10, 64)
	return x, err == nil
}

func serve(peer net.Conn) {
	defer peer.Close()
	var room [64]byte
	size, err := peer.Read(room[:])
	if err != nil {
		return
	}
	x, ok := hello(room[:size])
	if !ok {
		return
	}
	answer := append(strconv.AppendInt(append(room[:0], "HELLO "...), x+1, 10), '\n')
	if _, err := peer.Write(answer); err != nil {
		return
	}
	size, err = peer.Read(room[:])
	if err != nil {
		return
	}
	if last, ok := hello(room[:size]); !ok || last != x+2 {
		peer.(*net.TCPConn).SetLinger(0)
	}
}

func main() {
	syscall.RawSyscall(syscall.SYS_PRCTL, prSetDeathSignal, uintptr(syscall.SIGKILL), 0)
	config := net.ListenConfig{Control: options, KeepAlive: -1}
	listener, err := config.Listen(context.Background(), "tcp4", "127.0.0.1:"+os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("ready")
	for {
		if peer, err := listener.Accept(); err == nil {
			go serve(peer)
		}
	}
}
