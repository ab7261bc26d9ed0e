// The exec binary's job, in Go with its standard library.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"
)

type installed struct {
	Driver       string          `json:"driver"`
	Socket       string          `json:"socket"`
	Capabilities map[string]bool `json:"capabilities"`
	TimeoutMs    int64           `json:"timeoutMs"`
}

type request struct {
	Version   int      `json:"version"`
	RequestID string   `json:"requestId"`
	Driver    string   `json:"driver"`
	Call      string   `json:"call"`
	Args      []string `json:"args"`
	TimeoutMs int64    `json:"timeoutMs"`
}

type reply struct {
	Answer  string `json:"answer"`
	Message string `json:"message"`
}

type status struct {
	Status       string          `json:"status"`
	Message      string          `json:"message,omitempty"`
	Capabilities map[string]bool `json:"capabilities,omitempty"`
}

func run() (status, error) {
	if len(os.Args) < 2 {
		return status{}, fmt.Errorf("no call")
	}
	directory, name := filepath.Split(os.Args[0])
	text, err := os.ReadFile(filepath.Join(directory, "."+name+".flex2csi.json"))
	if err != nil {
		return status{}, err
	}
	var setup installed
	if err := json.Unmarshal(text, &setup); err != nil {
		return status{}, err
	}
	if os.Args[1] == "init" {
		return status{Status: "Success", Capabilities: setup.Capabilities}, nil
	}
	deadline := time.Now().Add(time.Duration(setup.TimeoutMs) * time.Millisecond)
	connection, err := (&net.Dialer{Deadline: deadline}).Dial("unix", setup.Socket)
	if err != nil {
		return status{}, err
	}
	connection.SetDeadline(deadline)
	id := fmt.Sprintf("%08x", os.Getpid())
	call := request{1, id, setup.Driver, os.Args[1], os.Args[2:], setup.TimeoutMs}
	if err := json.NewEncoder(connection).Encode(call); err != nil {
		return status{}, err
	}
	line, err := bufio.NewReader(connection).ReadBytes('\n')
	if err != nil {
		return status{}, err
	}
	var said reply
	if err := json.Unmarshal(line, &said); err != nil {
		return status{}, err
	}
	if said.Answer != "success" {
		return status{}, fmt.Errorf("%s", said.Message)
	}
	return status{Status: "Success"}, nil
}

func main() {
	answer, err := run()
	if err != nil {
		answer = status{Status: "Failure", Message: err.Error()}
	}
	json.NewEncoder(os.Stdout).Encode(answer)
}
