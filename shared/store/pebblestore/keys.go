package pebblestore

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
)

// Key spaces of the database. Numbers are 8 bytes, big endian. A text that is not the last part of
// a key is escaped.
//
//	d partition                       → number of the partition
//	r number sort                     → row
//	w wake number sort                → partition
//	l group sort(of the list) number sort → partition, fields
//	m name                            → a value of the store itself
const (
	spacePartition = 'd'
	spaceRow       = 'r'
	spaceWake      = 'w'
	spaceList      = 'l'

	keyNextPartitionID = "mnext"
)

// Escaped text ends with 0 1, and a 0 in it is written as 0 255. This keeps the order of the bytes,
// and no escaped text is a prefix of another.
const (
	escape     = 0x00
	escapedNul = 0xff
	textEnd    = 0x01
)

func appendEscaped(b []byte, s string) []byte {
	for {
		i := strings.IndexByte(s, escape)
		if i < 0 {
			return append(b, s...)
		}
		b = append(append(b, s[:i]...), escape, escapedNul)
		s = s[i+1:]
	}
}

func appendText(b []byte, s string) []byte { return append(appendEscaped(b, s), escape, textEnd) }

// cutText decodes what appendText wrote.
func cutText(b []byte) (text string, rest []byte, ok bool) {
	i := bytes.IndexByte(b, escape)
	if i >= 0 && i+1 < len(b) && b[i+1] == textEnd {
		return string(b[:i]), b[i+2:], true
	}
	var out []byte
	for {
		i := bytes.IndexByte(b, escape)
		if i < 0 || i+1 >= len(b) {
			return "", nil, false
		}
		out = append(out, b[:i]...)
		mark := b[i+1]
		b = b[i+2:]
		switch mark {
		case textEnd:
			return string(out), b, true
		case escapedNul:
			out = append(out, escape)
		default:
			return "", nil, false
		}
	}
}

func appendPartitionKey(b []byte, partition string) []byte {
	return append(append(b, spacePartition), partition...)
}

func appendRowKey(b []byte, number uint64, sort string) []byte {
	b = binary.BigEndian.AppendUint64(append(b, spaceRow), number)
	return append(b, sort...)
}

func appendWakeKey(b []byte, wake int64, number uint64, sort string) []byte {
	b = binary.BigEndian.AppendUint64(append(b, spaceWake), uint64(wake))
	b = binary.BigEndian.AppendUint64(b, number)
	return append(b, sort...)
}

func appendListKey(b []byte, group, sort string, number uint64, rowSort string) []byte {
	b = appendText(appendText(append(b, spaceList), group), sort)
	b = binary.BigEndian.AppendUint64(b, number)
	return append(b, rowSort...)
}

func appendListValue(b []byte, partition string, fields []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(partition)))
	return append(append(b, partition...), fields...)
}

// wakeEntry decodes a key of the wake index.
func wakeEntry(key []byte) (wake int64, sort string, err error) {
	if len(key) < 17 || key[0] != spaceWake {
		return 0, "", damaged("wake index", key)
	}
	return int64(binary.BigEndian.Uint64(key[1:])), string(key[17:]), nil
}

// listEntry decodes an entry of the list index.
func listEntry(key, value []byte) (sort, partition, rowSort string, fields []byte, err error) {
	_, rest, ok := cutText(key[1:])
	if ok {
		sort, rest, ok = cutText(rest)
	}
	n, size := binary.Uvarint(value)
	if !ok || len(rest) < 8 || size <= 0 || n > uint64(len(value)-size) {
		return "", "", "", nil, damaged("list index", key)
	}
	value = value[size:]
	return sort, string(value[:n]), string(rest[8:]), bytes.Clone(value[n:]), nil
}

func damaged(what string, key []byte) error {
	return fmt.Errorf("pebblestore: damaged entry in the %s: key %.80q", what, key)
}

// wakeBounds returns the bounds of the keys after the cursor with wake <= until. ok is false if no
// key can be in them.
func wakeBounds(until int64, cursor string) (lower, upper []byte, ok bool, err error) {
	lower = []byte{spaceWake}
	if cursor != "" {
		if lower, err = decodeCursor(cursor); err != nil {
			return nil, nil, false, err
		}
	}
	upper = []byte{spaceWake + 1}
	if until < math.MaxInt64 {
		upper = binary.BigEndian.AppendUint64([]byte{spaceWake}, uint64(until+1))
	}
	return lower, upper, until > 0 && bytes.Compare(lower, upper) < 0, nil
}

// encodeCursor returns a cursor that continues after a key of the wake index.
func encodeCursor(key []byte) string { return base64.RawURLEncoding.EncodeToString(key[1:]) }

// decodeCursor returns the lowest key after the one that was passed to encodeCursor.
func decodeCursor(cursor string) ([]byte, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(b) < 16 || len(b) > 16+keyMax {
		return nil, fmt.Errorf("pebblestore: not a cursor of the wake index: %.40q", cursor)
	}
	return append(append([]byte{spaceWake}, b...), 0), nil
}

// rangeBounds returns the bounds of the keys under a prefix whose text is from `from` to `to`,
// which is exclusive. An empty to means the end of the prefix. ok is false if no key can be in
// them.
func rangeBounds(
	prefix []byte, from, to string, text func([]byte, string) []byte,
) (lower, upper []byte, ok bool) {
	lower = text(bytes.Clone(prefix), from)
	if to != "" {
		upper = text(bytes.Clone(prefix), to)
	} else {
		upper = afterPrefix(prefix)
	}
	return lower, upper, bytes.Compare(lower, upper) < 0
}

// afterPrefix returns the lowest key above all keys that start with prefix.
func afterPrefix(prefix []byte) []byte {
	b := bytes.Clone(prefix)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] < 0xff {
			b[i]++
			return b[:i+1]
		}
	}
	panic("pebblestore: a prefix without an end") // every prefix begins with a key space
}

// Sizes that the store accepts, far above what it is used for.
const (
	keyMax  = 4 << 10
	dataMax = 64 << 20
)

var errEmptyPartition = errors.New("pebblestore: a key without partition")

func checkKey(partition, sort string) error {
	if partition == "" {
		return errEmptyPartition
	}
	if len(partition) > keyMax || len(sort) > keyMax {
		return fmt.Errorf("pebblestore: key of %d + %d bytes, at most %d each: %.40q %.40q",
			len(partition), len(sort), keyMax, partition, sort)
	}
	return nil
}
