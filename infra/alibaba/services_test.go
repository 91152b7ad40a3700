package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// standIn is a stand-in for services without an emulator: RAM, Simple Log Service, and the
// management of TableStore and EventBridge. It keeps what is created and counts changes.
type standIn struct {
	t  *testing.T
	mu sync.Mutex

	instances       map[string]*access
	linked          map[string]bool
	roles, policies map[string]string          // documents
	attached        map[string]map[string]bool // by role
	projects        map[string]bool
	days            map[string]int // retention of logstores
	indexes         map[string]bool

	changes []string
}

func newStandIn(t *testing.T) *standIn {
	return &standIn{
		t:         t,
		instances: map[string]*access{},
		linked:    map[string]bool{},
		roles:     map[string]string{},
		policies:  map[string]string{},
		attached:  map[string]map[string]bool{},
		projects:  map[string]bool{},
		days:      map[string]int{},
		indexes:   map[string]bool{},
	}
}

// ServeHTTP implements http.Handler.
func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	if strings.Contains(r.Host, ".log.") || strings.Contains(r.Host, "-intranet.") {
		s.logs(w, r, body)
		return
	}
	if !strings.HasPrefix(r.Header.Get("Authorization"), "ACS3-HMAC-SHA256 Credential=test,") ||
		r.Header.Get("X-Acs-Security-Token") != "token" {
		s.t.Errorf("%s is signed by %q", r.URL, r.Header.Get("Authorization"))
	}
	var response any = map[string]any{}
	status := 200
	reject := func(n int, code string) {
		status, response = n,
			map[string]string{"Code": code, "Message": "no"}
	}
	switch action := r.Header.Get("X-Acs-Action"); action {
	case "GetInstance", "CreateInstance", "UpdateInstance":
		if code := s.tableStore(action, r, body, &response); code != "" {
			reject(map[bool]int{true: 404, false: 409}[code == "OTSInstanceNotExist"], code)
		}
	case "CreateServiceLinkedRoleForProduct":
		s.change(action)
		s.linked[r.URL.Query().Get("ProductName")] = true
	default:
		response, status = s.ram(action, r)
	}
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(response)
}

// tableStore serves an operation on instances and returns an error code, "" for success. New
// instances are closed to the internet, as one page of the documentation says.
func (s *standIn) tableStore(
	action string, r *http.Request, body []byte, response *any,
) (code string) {
	var q struct {
		InstanceName, ClusterType string
		access
	}
	if action == "GetInstance" {
		q.InstanceName = r.URL.Query().Get("InstanceName")
	} else if json.Unmarshal(body, &q) != nil || r.URL.Path != "/v2/openapi/"+
		strings.ToLower(action) {
		return "InvalidParameter"
	}
	have := s.instances[q.InstanceName]
	switch {
	case action == "CreateInstance" && q.ClusterType != "SSD":
		return "InvalidParameter"
	case action == "CreateInstance" && have != nil:
		return "OTSInstanceExist"
	case action != "CreateInstance" && have == nil:
		return "OTSInstanceNotExist"
	case action == "GetInstance":
		*response = map[string]any{
			"InstanceName":     q.InstanceName,
			"NetworkTypeACL":   have.Networks,
			"NetworkSourceACL": have.Sources,
			"InstanceStatus":   "normal",
		}
		return ""
	case len(q.Networks) == 0 != (len(q.Sources) == 0):
		return "InvalidParameter" // both must be set together
	}
	s.change(action)
	s.instances[q.InstanceName] = &access{
		Networks: []string{"VPC", "CLASSIC"},
		Sources:  []string{"TRUST_PROXY"},
	}
	if len(q.Networks) > 0 {
		s.instances[q.InstanceName] = &q.access
	}
	return ""
}

func (s *standIn) change(what string) { s.changes = append(s.changes, what) }

// ram serves an operation of RAM.
func (s *standIn) ram(action string, r *http.Request) (any, int) {
	q := r.URL.Query()
	role, policy := q.Get("RoleName"), q.Get("PolicyName")
	reject := func(code string) (any, int) {
		status := 404
		if strings.Contains(code, "Already") {
			status = 409
		}
		return map[string]string{"Code": code, "Message": "no"}, status
	}
	if !strings.HasPrefix(action, "Get") && !strings.HasPrefix(action, "List") {
		s.change(action)
	}
	_, hasRole := s.roles[role]
	_, hasPolicy := s.policies[policy]
	switch {
	case action == "GetRole" && s.linked[role]:
		return map[string]any{}, 200
	case action == "CreateRole" && hasRole:
		return reject("EntityAlreadyExists.Role")
	case action == "CreateRole":
		s.roles[role] = q.Get("AssumeRolePolicyDocument")
	case action == "CreatePolicy" && hasPolicy:
		return reject("EntityAlreadyExists.Policy")
	case action == "CreatePolicy", action == "CreatePolicyVersion" && hasPolicy:
		s.policies[policy] = q.Get("PolicyDocument")
	case role != "" && !hasRole:
		return reject("EntityNotExist.Role")
	case policy != "" && !hasPolicy:
		return reject("EntityNotExist.Policy")
	case action == "UpdateRole":
		s.roles[role] = q.Get("NewAssumeRolePolicyDocument")
	case action == "GetRole":
		return map[string]any{"Role": map[string]string{"AssumeRolePolicyDocument": s.roles[role]}},
			200
	case action == "GetPolicy":
		document := map[string]string{"PolicyDocument": s.policies[policy]}
		return map[string]any{"DefaultPolicyVersion": document}, 200
	case action == "AttachPolicyToRole" && s.attached[role][policy]:
		return reject("EntityAlreadyExists.Role.Policy")
	case action == "AttachPolicyToRole":
		if s.attached[role] == nil {
			s.attached[role] = map[string]bool{}
		}
		s.attached[role][policy] = true
	case action == "ListPoliciesForRole":
		list := []map[string]string{}
		for name := range s.attached[role] {
			list = append(list, map[string]string{"PolicyName": name, "PolicyType": "Custom"})
		}
		return map[string]any{"Policies": map[string]any{"Policy": list}}, 200
	default:
		s.t.Errorf("RAM has no %s", action)
	}
	return map[string]any{}, 200
}

// logs serves a call of Simple Log Service.
func (s *standIn) logs(w http.ResponseWriter, r *http.Request, body []byte) {
	if want := "LOG test:" + logSignature("test", r.Method, r.URL.Path,
		r.Header); r.Header.Get("Authorization") != want {
		s.t.Errorf("%s %s%s is signed %q, want %q", r.Method, r.Host, r.URL.Path,
			r.Header.Get("Authorization"), want)
	}
	reject := func(status int, code string) {
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(map[string]string{"errorCode": code, "errorMessage": "no"})
	}
	project, _, ofProject := strings.Cut(r.Host, ".cn-hangzhou.log.")
	var d struct {
		ProjectName, LogstoreName string
		TTL                       int
	}
	json.Unmarshal(body, &d)
	if r.Method != http.MethodGet {
		s.change(r.Method + " " + r.URL.Path)
	}
	store := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/logstores/"), "/index")
	days, hasStore := s.days[project+"/"+store]
	switch {
	case !ofProject && r.Method == http.MethodPost && s.projects[d.ProjectName]:
		reject(400, "ProjectAlreadyExist")
	case !ofProject && r.Method == http.MethodPost:
		s.projects[d.ProjectName] = true
	case !s.projects[project]:
		reject(404, "ProjectNotExist")
	case r.URL.Path == "/":
		w.Write([]byte("{}"))
	case r.URL.Path == "/logstores" && s.days[project+"/"+d.LogstoreName] != 0:
		reject(400, "LogStoreAlreadyExist")
	case r.URL.Path == "/logstores":
		s.days[project+"/"+d.LogstoreName] = d.TTL
	case !hasStore:
		reject(404, "LogStoreNotExist")
	case strings.HasSuffix(r.URL.Path, "/index") && r.Method == http.MethodGet &&
		!s.indexes[project]:
		reject(404, "IndexConfigNotExist")
	case strings.HasSuffix(r.URL.Path, "/index") && r.Method == http.MethodPost &&
		s.indexes[project]:
		reject(400, "IndexAlreadyExist")
	case strings.HasSuffix(r.URL.Path, "/index"):
		s.indexes[project] = true
		w.Write([]byte("{}"))
	case r.Method == http.MethodPut:
		s.days[project+"/"+store] = d.TTL
	default:
		json.NewEncoder(w).Encode(map[string]any{"logstoreName": store, "ttl": days})
	}
}
