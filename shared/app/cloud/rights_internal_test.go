package cloud

import (
	"context"
	"encoding/json"
	"testing"

	"millrace/shared/access"
	"millrace/shared/task"
)

// TestTheCloudsAccountIsOneOfTheCredentials: if an account of the credentials has the id of the
// cloud's account, a resource name with that id belongs to that account alone.
func TestTheCloudsAccountIsOneOfTheCredentials(t *testing.T) {
	const cloud = "1234567890123456"
	for _, c := range []struct {
		defined, account, arn string
		denied                bool
	}{
		{cloud, "2", "acs:fc::" + cloud + ":functions/f", true},
		{cloud, "2", "acs:mns:cn-hangzhou:" + cloud + ":/queues/q/messages", true},
		{cloud, "2", "acs:fc:::functions/f", false},
		{cloud, cloud, "acs:fc::" + cloud + ":functions/f", false},
		{"1", "2", "acs:fc::" + cloud + ":functions/f", false},
		{"1", "2", "acs:fc::1:functions/f", true},
	} {
		register, err := access.NewRegistry([]access.Account{{ID: c.defined}, {ID: "2"}})
		if err != nil {
			t.Fatal(err)
		}
		ran := false
		next := task.RunnerFunc(func(context.Context, task.Request) task.Result {
			ran = true
			return task.Result{}
		})
		parameters, _ := json.Marshal(map[string]string{"resourceArn": c.arn})
		task.RestrictAccounts(next, sharedAccount(register, cloud)).Run(t.Context(),
			task.Request{Account: c.account, Action: "FC:InvokeFunction", Parameters: parameters})
		if ran == c.denied {
			t.Errorf("%+v: done %v", c, ran)
		}
	}
}
