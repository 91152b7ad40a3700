package clients_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// npmClient is @alicloud/fnf-2019-03-15 for Node.js, called through bridge.js.
type npmClient struct{ config map[string]string }

func openNPM(t *testing.T, l login) client {
	t.Helper()
	if err := startBridge(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("the Node.js client is not tested: %v; install node and npm, and run "+
			"tests/clients/run.sh", err)
	}
	config := map[string]string{"endpoint": "http://" + l.at(), "accessKeyId": l.id,
		"accessKeySecret": l.secret}
	if l.securityToken != "" {
		config["securityToken"] = l.securityToken
	}
	return npmClient{config}
}

func (n npmClient) call(operation string, in params, out any) (map[string]json.RawMessage, error) {
	if in == nil {
		in = params{}
	}
	if operation == "CreateFlow" && in["Description"] == nil {
		in["Description"] = "" // the client rejects a request without one
	}
	response, err := bridge.call(bridgeRequest{Config: n.config, Operation: operation, Params: in,
		Timeout: longest.Milliseconds()})
	if err != nil {
		return nil, err
	}
	if response.Error != nil {
		return nil, response.Error.fault(n.config["endpoint"])
	}
	return decode(response.Body, out)
}

// bridgeError is an Error of the Node.js client.
type bridgeError struct {
	Name, Message, Code string
	Status              int
	Data                *struct{ RequestId, HostId, Code, Message, Recommend string }
}

// fault converts the client's error for an error response. Its message wraps the server's. The
// response names the host of the request.
func (e *bridgeError) fault(endpoint string) error {
	if e.Data == nil || e.Name != e.Code+"Error" || e.Code != e.Data.Code {
		return fmt.Errorf("not a typed error: %+v", e)
	}
	message, _, _ := strings.Cut(e.Message, ", URL: ")
	if message != e.Data.Message || "http://"+e.Data.HostId != endpoint {
		return fmt.Errorf("unexpected data %+v of %q", *e.Data, e.Message)
	}
	return &fault{e.Status, e.Code, message, e.Data.RequestId}
}

type bridgeRequest struct {
	ID        int               `json:"id"`
	Config    map[string]string `json:"config"`
	Operation string            `json:"operation"`
	Params    params            `json:"params"`
	Timeout   int64             `json:"timeout"` // milliseconds; the client's default is 3 s
}

type bridgeResponse struct {
	ID    int
	Body  json.RawMessage
	Error *bridgeError
}

// bridgeProcess is the only Node.js process. Calls run concurrently.
type bridgeProcess struct {
	stdin   io.WriteCloser
	mu      sync.Mutex
	last    int
	waiting map[int]chan bridgeResponse // nil when the process has ended
}

var bridge *bridgeProcess

// startBridge starts the process once. The process ends with the tests, when its input is closed.
var startBridge = sync.OnceValue(func() error {
	node, err := exec.LookPath("node")
	if err != nil {
		return errors.New("there is no node")
	}
	if _, err := os.Stat("node_modules/@alicloud/fnf-2019-03-15"); err != nil {
		return errors.New("its packages are not installed")
	}
	cmd := exec.Command(node, "bridge.js")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	bridge = &bridgeProcess{stdin: stdin, waiting: map[int]chan bridgeResponse{}}
	go bridge.read(cmd, stdout)
	return nil
})

// call sends one request and waits for its response.
func (b *bridgeProcess) call(q bridgeRequest) (bridgeResponse, error) {
	done := make(chan bridgeResponse, 1)
	if err := b.send(q, done); err != nil {
		return bridgeResponse{}, err
	}
	a, ok := <-done
	if !ok {
		return a, errors.New("the Node.js process ended")
	}
	return a, nil
}

func (b *bridgeProcess) send(q bridgeRequest, done chan bridgeResponse) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting == nil {
		return errors.New("the Node.js process ended")
	}
	b.last++
	q.ID = b.last
	b.waiting[q.ID] = done
	line, err := json.Marshal(q)
	if err != nil {
		return err
	}
	_, err = b.stdin.Write(append(line, '\n'))
	return err
}

// read delivers the responses until the process ends.
func (b *bridgeProcess) read(cmd *exec.Cmd, stdout io.Reader) {
	for lines := bufio.NewReader(stdout); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break
		}
		var a bridgeResponse
		if err := json.Unmarshal(line, &a); err != nil {
			fmt.Fprintf(os.Stderr, "bridge.js: %v: %s\n", err, line)
			break
		}
		b.mu.Lock()
		done := b.waiting[a.ID]
		delete(b.waiting, a.ID)
		b.mu.Unlock()
		if done != nil {
			done <- a
		}
	}
	cmd.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, done := range b.waiting {
		close(done)
	}
	b.waiting = nil
}
