package itemtask

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"millrace/shared/object"
)

// input is an object that is read from a cursor on. It counts bytes and lines.
type input struct {
	name    object.Name
	at      Cursor // of the next byte
	r       *bufio.Reader
	closers []io.Closer
}

// bufferBytes is how much of an object is buffered.
const bufferBytes = 64 << 10

// openObject opens an object at a cursor. A mark of the byte order at its beginning is skipped.
func (b *reading) openObject(ctx context.Context, n object.Name, at Cursor) (*input, error) {
	if err := b.allowed(actionGet, n); err != nil {
		return nil, err
	}
	packed := strings.HasSuffix(n.Key, ".gz")
	offset := at.Offset
	if packed {
		offset = 0 // it can only be unpacked from the beginning
	}
	info, body, err := b.o.Objects.Open(ctx, n, at.ETag, offset)
	if err != nil {
		return nil, afterLine(n, at, err)
	}
	at.ETag = info.ETag
	in := &input{name: n, at: at, closers: []io.Closer{body}}
	from := io.Reader(body)
	if packed {
		if from, err = in.unpack(body); err != nil {
			in.close()
			return nil, err
		}
	}
	in.r = bufio.NewReaderSize(from, bufferBytes)
	if at.Offset == 0 {
		if err := in.skipMark(); err != nil {
			in.close()
			return nil, err
		}
	}
	return in, nil
}

// unpack returns the unpacked bytes from the cursor on.
func (in *input) unpack(body io.Reader) (io.Reader, error) {
	z, err := gzip.NewReader(bufio.NewReaderSize(body, bufferBytes))
	if err == nil {
		in.closers = append(in.closers, z)
		_, err = io.CopyN(io.Discard, z, in.at.Offset)
	}
	return z, in.failure(err)
}

func (in *input) skipMark() error {
	mark, err := in.r.Peek(3)
	if bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		in.at.Offset = 3
		_, err = in.r.Discard(3)
	}
	if err == io.EOF {
		return nil
	}
	return in.failure(err)
}

func (in *input) close() {
	for _, c := range in.closers {
		c.Close()
	}
}

// errorf returns an error of the content at a line, counted from 1.
func (in *input) errorf(line int64, format string, args ...any) error {
	return contentErrorf("%s, line %d: %s", in.name, line, fmt.Sprintf(format, args...))
}

// failure returns the error of a read: one of the content if the object is no gzip file, otherwise
// one that may be temporary.
func (in *input) failure(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return contentErrorf("%s: it is no valid gzip file, as its name says: %s", in.name, err)
	}
	return afterLine(in.name, in.at, err)
}

// afterLine returns an error that names the object, and the last line that was read of it.
func afterLine(n object.Name, at Cursor, err error) error {
	if at.Line > 0 {
		return fmt.Errorf("%s, after line %d: %w", n, at.Line, err)
	}
	return fmt.Errorf("%s: %w", n, err)
}
