package store

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"slices"
	"strings"

	"millrace/shared/flow"
)

// Catalog names the versions and aliases of a flow. It is part of the flow's row, so the
// compare-and-set of that row decides about all of them: an alias never names a version that is
// deleted at the same time. Everything that a start does not need to choose a version has rows of
// its own: see Version and Alias.
type Catalog struct {
	Versions []VersionEntry // by number
	Aliases  []AliasEntry   // by name

	unknown []byte // fields that only a newer program knows
}

// VersionEntry names a version.
type VersionEntry struct {
	Number int64
	Token  uint64 // random, of the request that published it: part of the key of its row

	// hashStart is the start of the hash of the version's definition: the sweeper keeps every
	// definition whose hash starts so. The whole hash is in the version's row.
	hashStart uint64
	unknown   []byte
}

// AliasEntry names an alias and routes its starts.
type AliasEntry struct {
	Name   string
	Token  uint64 // random, of the request that wrote its row: part of the key of that
	Routes []Route

	unknown []byte
}

// Route is a version that an alias starts, and its share of the starts relative to the sum of the
// weights.
type Route struct {
	Version int64
	Weight  int
}

// WeightMax is the highest weight of a Route.
const WeightMax = 100

// Version returns the entry of a version, or nil.
func (c *Catalog) Version(number int64) *VersionEntry {
	i, found := slices.BinarySearchFunc(c.Versions, number, func(e VersionEntry, n int64) int {
		return int(min(max(e.Number-n, -1), 1))
	})
	if !found {
		return nil
	}
	return &c.Versions[i]
}

// Published returns the version that the request with this token has published, or nil.
func (c *Catalog) Published(token uint64) *VersionEntry {
	for i := range c.Versions {
		if c.Versions[i].Token == token {
			return &c.Versions[i]
		}
	}
	return nil
}

// Alias returns the entry of an alias, or nil.
func (c *Catalog) Alias(name string) *AliasEntry {
	if i, found := c.findAlias(name); found {
		return &c.Aliases[i]
	}
	return nil
}

func (c *Catalog) findAlias(name string) (at int, found bool) {
	return slices.BinarySearchFunc(c.Aliases, name, func(e AliasEntry, name string) int {
		return strings.Compare(e.Name, name)
	})
}

// Uses returns the name of an alias that routes to a version, or "".
func (c *Catalog) Uses(number int64) (alias string) {
	for i := range c.Aliases {
		for _, r := range c.Aliases[i].Routes {
			if r.Version == number {
				return c.Aliases[i].Name
			}
		}
	}
	return ""
}

// hasDefinition reports whether a version may have the definition with this hash.
func (c *Catalog) hasDefinition(hash string) bool {
	start := hashStart(hash)
	return slices.ContainsFunc(c.Versions, func(e VersionEntry) bool {
		return e.hashStart == start
	})
}

// hashStart returns the first 64 bits of a hash.
func hashStart(hash string) uint64 {
	var b [8]byte
	_, _ = hex.Decode(b[:], []byte(hash[:min(len(hash), 2*len(b))]))
	return binary.BigEndian.Uint64(b[:])
}

// Fields of a catalog, and of its messages.
const (
	catalogVersion = 1 // repeated
	catalogAlias   = 2 // repeated

	entryNumber    = 1
	entryToken     = 2
	entryHashStart = 3

	entryName  = 1
	entryRoute = 3 // repeated

	routeVersion = 1
	routeWeight  = 2
)

// Catalog decodes the flow's catalog. The caller may change the result.
func (f *Flow) Catalog() (*Catalog, error) {
	c := &Catalog{}
	r := flow.ReadFields(f.catalog)
	for r.Next() {
		switch r.Field {
		case catalogVersion:
			c.Versions = append(c.Versions, decodeVersionEntry(&r))
		case catalogAlias:
			c.Aliases = append(c.Aliases, decodeAliasEntry(&r))
		default:
			r.Keep(&c.unknown)
		}
	}
	if r.Err != nil || !c.ordered() {
		return nil, damagedRow("flow", flowKey(f.Account, f.Name), flow.ErrCorrupt)
	}
	return c, nil
}

// ordered reports whether the entries are in order, as searches need them, and every alias routes
// somewhere.
func (c *Catalog) ordered() bool {
	for i := range c.Versions {
		if c.Versions[i].Number <= 0 || i > 0 && c.Versions[i-1].Number >= c.Versions[i].Number {
			return false
		}
	}
	for i := range c.Aliases {
		if i > 0 && c.Aliases[i-1].Name >= c.Aliases[i].Name || len(c.Aliases[i].Routes) == 0 {
			return false
		}
	}
	return true
}

func decodeVersionEntry(r *flow.FieldReader) (e VersionEntry) {
	after := r.Enter()
	for r.Next() {
		switch r.Field {
		case entryNumber:
			e.Number = int64(r.Small(math.MaxInt64))
		case entryToken:
			e.Token = r.Fixed()
		case entryHashStart:
			e.hashStart = r.Fixed()
		default:
			r.Keep(&e.unknown)
		}
	}
	r.Leave(after)
	return e
}

func decodeAliasEntry(r *flow.FieldReader) (e AliasEntry) {
	after := r.Enter()
	for r.Next() {
		switch r.Field {
		case entryName:
			e.Name = r.String()
		case entryToken:
			e.Token = r.Fixed()
		case entryRoute:
			e.Routes = append(e.Routes, decodeRoute(r))
		default:
			r.Keep(&e.unknown)
		}
	}
	r.Leave(after)
	return e
}

// decodeRoute decodes a route, which is closed.
func decodeRoute(r *flow.FieldReader) (route Route) {
	after := r.Enter()
	for r.Next() {
		switch r.Field {
		case routeVersion:
			route.Version = int64(r.Small(math.MaxInt64))
		case routeWeight:
			route.Weight = int(r.Small(WeightMax))
		default:
			r.Fail()
		}
	}
	r.Leave(after)
	return route
}

// setCatalog encodes a catalog into the flow.
func (f *Flow) setCatalog(c *Catalog) {
	w := flow.FieldWriter{}
	for i := range c.Versions {
		e := &c.Versions[i]
		start := w.Begin(catalogVersion)
		w.Uint(entryNumber, uint64(e.Number))
		w.Fixed(entryToken, e.Token)
		w.Fixed(entryHashStart, e.hashStart)
		w.Unknown(e.unknown)
		w.End(start)
	}
	for i := range c.Aliases {
		e := &c.Aliases[i]
		start := w.Begin(catalogAlias)
		w.String(entryName, e.Name)
		w.Fixed(entryToken, e.Token)
		for _, route := range e.Routes {
			start := w.Begin(entryRoute)
			w.Uint(routeVersion, uint64(route.Version))
			w.Uint(routeWeight, uint64(route.Weight))
			w.End(start)
		}
		w.Unknown(e.unknown)
		w.End(start)
	}
	w.Unknown(c.unknown)
	f.catalog = w.Buf
}
