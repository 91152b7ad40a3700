package deploy_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"millrace/tests/deploy"
)

const (
	rows  = "StateTable.Arn"
	lists = "${StateTable.Arn}/index/list"
	wakes = "${StateTable.Arn}/index/wake"
)

var (
	reads  = []string{"dynamodb:GetItem", "dynamodb:Query"}
	writes = []string{"dynamodb:BatchWriteItem", "dynamodb:PutItem"}
	all    = slices.Concat(reads, writes, []string{"dynamodb:DeleteItem"})
	logs   = []string{"logs:CreateLogStream", "logs:PutLogEvents"}
	polls  = []string{"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}
	query  = []string{"dynamodb:Query"}
	send   = []string{"sqs:SendMessage"}
	invoke = []string{"lambda:InvokeFunction"}
)

// access lists everything that each function may do. A function may do nothing else.
var access = map[string]map[string][]string{
	"ApiFunction": {"ApiLogs.Arn": logs, rows: all, lists: query, "StepQueue.Arn": send},
	"ExpressFunction": {"ExpressLogs.Arn": logs, rows: all, lists: query, "StepQueue.Arn": send,
		"TaskFunctions": invoke},
	"StepRunnerFunction": {"StepRunnerLogs.Arn": logs, rows: all, lists: query,
		"StepQueue.Arn": slices.Concat(send, polls), "TaskFunctions": invoke,
		"TaskObjects": {"s3:GetObject", "s3:ListBucket"}, "TaskResults": {"s3:PutObject"}},
	"SweeperFunction": {"SweeperLogs.Arn": logs, rows: all, lists: query, wakes: query,
		"StepQueue.Arn": send},
	"StarterFunction": {"StarterLogs.Arn": logs, rows: slices.Concat(reads, writes),
		"StepQueue.Arn": send, "EventQueue.Arn": polls,
		"EventDeadLetters.Arn": send},
}

func granted(s *deploy.Stack, function string) map[string][]string {
	by := map[string][]string{}
	for _, g := range s.Grants(deploy.Text(s.Property(function, "Role"), "Fn::GetAtt", 0)) {
		by[g.Resource] = append(by[g.Resource], g.Action)
	}
	return by
}

func TestAccess(t *testing.T) {
	doc := load(t)
	s := stack(t, doc, with(full, map[string]string{"KmsKeyArn": ""}))
	if got, want := s.Names("AWS::Serverless::Function"),
		slices.Sorted(maps.Keys(access)); !slices.Equal(got, want) {
		t.Fatalf("functions %v, want %v", got, want)
	}
	for f, want := range access {
		got := granted(s, f)
		for _, resource := range slices.Sorted(maps.Keys(want)) {
			actions := slices.Sorted(slices.Values(want[resource]))
			if !slices.Equal(got[resource], actions) {
				t.Errorf("%s on %s: may %v, want %v", f, resource, got[resource], actions)
			}
			delete(got, resource)
		}
		if len(got) > 0 {
			t.Errorf("%s may also %v", f, got)
		}
	}
}

// TestAccessToRestoredTable: with a restored table, the rights are those on that table.
func TestAccessToRestoredTable(t *testing.T) {
	s := stack(t, load(t), with(minimal, map[string]string{"ExistingTable": "restored"}))
	table := "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${ExistingTable}"
	got := granted(s, "SweeperFunction")
	for resource, want := range map[string][]string{table: all, table + "/index/list": query,
		table + "/index/wake": query} {
		if !slices.Equal(got[resource], slices.Sorted(slices.Values(want))) {
			t.Errorf("%s: %v, want %v", resource, got[resource], want)
		}
	}
}

// TestNoTasksByDefault: without functions that flows may call, no role may call a function.
func TestNoTasksByDefault(t *testing.T) {
	s := stack(t, load(t), with(minimal, map[string]string{"Express": "yes"}))
	for _, f := range s.Names("AWS::Serverless::Function") {
		for _, g := range s.Grants(deploy.Text(s.Property(f, "Role"), "Fn::GetAtt", 0)) {
			if strings.HasPrefix(g.Action, "lambda:") {
				t.Errorf("%s: may %s on %s", f, g.Action, g.Resource)
			}
		}
	}
}

// TestAccessFollowsTheCode: the functions may do what the code calls, and nothing else.
func TestAccessFollowsTheCode(t *testing.T) {
	for _, c := range []struct {
		glob, service string
		leave         []string // calls of operators' commands
		want          []string
	}{
		{"../../shared/store/dynamostore/*.go", "dynamodb", []string{"table.go", "check.go"}, all},
		{"../../shared/queue/sqsqueue/send.go", "sqs", nil, send},
	} {
		files, err := filepath.Glob(c.glob)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", c.glob, files, err)
		}
		calls := map[string]bool{}
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") || slices.Contains(c.leave, filepath.Base(f)) {
				continue
			}
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(`\.Client\.([A-Z]\w+)\(ctx`).
				FindAllStringSubmatch(string(text), -1) {
				calls[c.service+":"+strings.TrimSuffix(m[1],
					"MessageBatch")+strings.Repeat("Message", strings.Count(m[1],
					"MessageBatch"))] = true
			}
		}
		if got, want := slices.Sorted(maps.Keys(calls)),
			slices.Sorted(slices.Values(c.want)); !slices.Equal(got, want) {
			t.Errorf("%s calls %v, the template allows %v", c.glob, got, want)
		}
	}
}
