package tablestore

import (
	"crypto/md5"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"syscall"
	"time"

	"millrace/tests/clouds/emulators/alibaba/tablestore/message"
)

// call is one admitted request.
type call struct {
	op    string
	body  []byte
	fault Fault
}

// operations are the implementations by operation name.
var operations = map[string]func(*Server, *call) ([]byte, *Error){
	"CreateTable":         (*Server).createTable,
	"ListTable":           (*Server).listTable,
	"DeleteTable":         (*Server).deleteTable,
	"DescribeTable":       (*Server).describeTable,
	"UpdateTable":         (*Server).updateTable,
	"CreateIndex":         (*Server).createIndex,
	"DropIndex":           (*Server).dropIndex,
	"AddDefinedColumn":    (*Server).addDefinedColumn,
	"DeleteDefinedColumn": (*Server).deleteDefinedColumn,
	"GetRow":              (*Server).getRow,
	"PutRow":              (*Server).putRow,
	"UpdateRow":           (*Server).updateRow,
	"DeleteRow":           (*Server).deleteRow,
	"BatchGetRow":         (*Server).batchGetRow,
	"BatchWriteRow":       (*Server).batchWriteRow,
	"GetRange":            (*Server).getRange,
}

// ServeHTTP implements http.Handler. If a response is lost, the connection breaks.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	op := strings.TrimPrefix(r.URL.Path, "/")
	key, body, err := s.admit(op, r)
	if err != nil {
		s.refuse(w, err)
		return
	}
	c := &call{op: op, body: body}
	if fault := s.fault.Load(); fault != nil {
		c.fault = (*fault)(Request{Op: op, Host: r.Host, Body: body})
	}
	if !c.fault.delay(r.Context()) {
		s.refuse(w, errRequestTimeout)
		return
	}
	if c.fault.Drop {
		panic(http.ErrAbortHandler)
	}
	if err = c.fault.Refuse; err != nil {
		s.refuse(w, err)
		return
	}
	answer, err := operations[op](s, c)
	if c.fault.Lose {
		panic(http.ErrAbortHandler)
	}
	if c.fault.Instead != nil {
		err = c.fault.Instead
	}
	if err != nil {
		s.refuse(w, err)
		return
	}
	s.answer(w, r.URL.Path, key, answer)
}

// admit reads a request and makes all checks that do not depend on the operation.
func (s *Server) admit(op string, r *http.Request) (Key, []byte, *Error) {
	if r.Method != http.MethodPost {
		return Key{}, nil, errMethodNotAllowed
	}
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(io.LimitReader(r.Body, maxBody+1)); err != nil {
			return Key{}, nil, errRequestTimeout
		}
	}
	if len(body) > maxBody {
		return Key{}, nil, errBodyTooLarge
	}
	if operations[op] == nil {
		return Key{}, nil, invalid("Unsupported operation: %s.", op)
	}
	key, err := s.authenticate(op, r.Header, body)
	if err != nil {
		return Key{}, nil, err
	}
	if !key.allows(op) {
		return Key{}, nil, errNoPermission
	}
	return key, body, nil
}

func (s *Server) refuse(w http.ResponseWriter, err *Error) {
	s.head(w.Header())
	w.WriteHeader(err.Status)
	w.Write(message.AppendError(nil, err.Code, err.Text))
}

// answer writes a response with all headers that any of the SDKs reads.
func (s *Server) answer(w http.ResponseWriter, path string, key Key, body []byte) {
	h := w.Header()
	s.head(h)
	sum := md5.Sum(body)
	h.Set("x-ots-contentmd5", base64.StdEncoding.EncodeToString(sum[:]))
	h.Set("Authorization", "OTS "+key.ID+":"+sign(key.Secret, canonical(h)+path))
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	w.Write(body)
}

func (s *Server) head(h http.Header) {
	h.Set("x-ots-requestid", s.requestID())
	h.Set("x-ots-date", time.Now().UTC().Format("2006-01-02T15:04:05.000000Z"))
	h.Set("x-ots-contenttype", "protocol buffer")
}

// RoundTrip implements http.RoundTripper for clients of the same process, with any host. If a
// response is lost, it returns an error.
func (s *Server) RoundTrip(r *http.Request) (answer *http.Response, err error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	defer func() {
		if p := recover(); p == http.ErrAbortHandler {
			answer, err = nil, syscall.ECONNRESET
		} else if p != nil {
			panic(p)
		}
	}()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	answer = w.Result()
	answer.Request = r
	return answer, nil
}
