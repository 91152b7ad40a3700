package fc

import (
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
)

// builtIn is the runtime API of one process.
type builtIn struct {
	address string
	server  *http.Server
	events  chan *waiting
	closed  chan struct{}
	once    sync.Once
	asked   chan struct{} // closed when the process asks for its first event
	first   sync.Once

	mu      sync.Mutex
	current map[string]*waiting
}

// waiting is an invocation whose caller waits for the response.
type waiting struct {
	*invocation
	header http.Header
	answer chan answered
}

type answered struct {
	body []byte
	err  error
}

const apiPath = "/2020-11-11/runtime/invocation/"

func openBuiltIn() (driver, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &builtIn{
		address: listener.Addr().String(),
		events:  make(chan *waiting),
		closed:  make(chan struct{}),
		asked:   make(chan struct{}),
		current: map[string]*waiting{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+apiPath+"next", b.next)
	mux.HandleFunc("POST "+apiPath+"{id}/response",
		func(w http.ResponseWriter, r *http.Request) { b.finish(w, r, false) })
	mux.HandleFunc("POST "+apiPath+"{id}/error",
		func(w http.ResponseWriter, r *http.Request) { b.finish(w, r, true) })
	b.server = &http.Server{Handler: mux}
	go b.server.Serve(listener)
	return b, nil
}

func (b *builtIn) env() []string { return []string{"FC_RUNTIME_API=" + b.address} }

func (b *builtIn) close() {
	b.once.Do(func() {
		close(b.closed)
		b.server.Close()
	})
}

// start waits until the process asks for events, and initializes it.
func (b *builtIn) start(in *instance) error {
	select {
	case <-b.asked:
	case <-in.died:
		return ErrDied
	}
	if !in.f.Hooks {
		return nil
	}
	_, err := in.within(in.newInvocation(initializeKind, nil))
	return err
}

func (b *builtIn) call(in *instance, v *invocation) ([]byte, error) {
	w := &waiting{invocation: v, header: in.header(v), answer: make(chan answered, 1)}
	w.header.Set("x-fc-function-type", strconv.Itoa(int(v.kind)))
	w.header.Set("x-fc-function-deadline", strconv.FormatInt(v.deadline.UnixMilli(), 10))
	select {
	case b.events <- w:
	case <-in.died:
		return nil, ErrDied
	}
	select {
	case a := <-w.answer:
		return a.body, a.err
	case <-in.died:
		return nil, ErrDied
	}
}

// next sends the next event to the process.
func (b *builtIn) next(w http.ResponseWriter, r *http.Request) {
	b.first.Do(func() { close(b.asked) })
	select {
	case v := <-b.events:
		b.mu.Lock()
		b.current[v.id] = v
		b.mu.Unlock()
		for name, values := range v.header {
			w.Header()[name] = values
		}
		w.Write(v.event)
	case <-r.Context().Done():
	case <-b.closed:
	}
}

// finish takes the response to an invocation from the process.
func (b *builtIn) finish(w http.ResponseWriter, r *http.Request, failed bool) {
	body, err := io.ReadAll(r.Body)
	if err == nil && failed {
		err = &FunctionError{string(body)}
	}
	b.mu.Lock()
	v := b.current[r.PathValue("id")]
	delete(b.current, r.PathValue("id"))
	b.mu.Unlock()
	if v == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	v.answer <- answered{body, err}
	w.WriteHeader(http.StatusOK)
}
