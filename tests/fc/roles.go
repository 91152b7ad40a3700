package fc

import (
	"fmt"
	"sync"
	"time"

	harness "millrace/tests/emulators/fc"
	"millrace/tests/emulators/mns"
	"millrace/tests/emulators/oss"
	"millrace/tests/emulators/tablestore"
)

// roles gives the temporary credentials of the functions' role, which are all that they have: the environment holds none.
type roles struct {
	mu     sync.Mutex
	n      int
	newest harness.Credentials
	before harness.Credentials
}

func (r *roles) current() harness.Credentials {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.newest
}

// renew replaces the credentials. The ones before stay good for the requests that have them; older ones are refused by
// every service.
func (r *roles) renew(s *Stack) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n++
	r.before = r.newest
	r.newest = harness.Credentials{ID: fmt.Sprint("STS.", r.n), Secret: "secret", Token: fmt.Sprint("token-", r.n)}
	stores, queues := []tablestore.Key{tablestore.DefaultKey}, map[string]mns.Key{mns.AccessKeyID: {Secret: mns.AccessKeySecret}}
	objects := []oss.Key{oss.DefaultKey}
	for _, k := range []harness.Credentials{r.before, r.newest} {
		if k.ID != "" {
			stores = append(stores, tablestore.Key{ID: k.ID, Secret: k.Secret, Token: k.Token, Expires: time.Now().Add(time.Hour)})
			objects = append(objects, oss.Key{ID: k.ID, Secret: k.Secret, Token: k.Token, Expires: time.Now().Add(time.Hour)})
			queues[k.ID] = mns.Key{Secret: k.Secret, Token: k.Token}
		}
	}
	s.Store.SetKeys(stores...)
	s.MNS.SetKeys(queues)
	s.OSS.SetKeys(objects...)
	if s.Service != nil {
		s.Users.setKeys(r.before, r.newest)
	}
}

// Renew replaces the credentials of the functions' role.
func (s *Stack) Renew() { s.roles.renew(s) }
