//go:build !millrace_aws

package cloud

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"millrace/shared/alibaba"
	"millrace/shared/alibaba/acs"
	"millrace/shared/alibaba/mns"
	"millrace/shared/app"
	"millrace/shared/faas"
	"millrace/shared/httpclient"
	"millrace/shared/object/ossobject"
	"millrace/shared/queue/mnsqueue"
	"millrace/shared/store/otsstore"
	"millrace/shared/task"
	"millrace/shared/task/actiontask"
	"millrace/shared/task/fctask"
	"millrace/shared/task/functiontask"
	"millrace/shared/task/mnstask"
	"millrace/shared/task/openapitask"
	"millrace/shared/task/osstask"
)

// tailTableStore is the max size of a history tail in a row of TableStore, whose write unit is 4
// KB.
const tailTableStore = 3 << 10

// openAlibaba opens TableStore, MNS, Function Compute and the OpenAPIs.
func (c *App) openAlibaba(
	getenv func(string) string, file functionsFile,
) (*services, error) {
	functions, err := fcFunctions(file)
	if err != nil {
		return nil, err
	}
	a, err := alibabaConfig(c.config, getenv)
	if err != nil {
		return nil, err
	}
	credentials := alibaba.First(alibaba.Role(faas.CurrentCredentials),
		alibaba.Environment(getenv),
		alibaba.File(getenv(alibaba.EnvFile), getenv(alibaba.EnvProfile)))
	client := otsstore.NewClient(otsstore.ClientOptions{
		Endpoint:    a.storeEndpoint,
		Instance:    a.instance,
		Credentials: credentials,
	})
	queues := &mns.Client{
		Endpoint:    a.queueEndpoint,
		Credentials: credentials,
	}
	h := &services{
		driver:      otsstore.New(otsstore.Options{Client: client, Table: a.table}),
		tailBytes:   tailTableStore,
		decode:      mnsqueue.Decode,
		dropUnknown: true,
		account:     a.endpoints.Account,
		output:      fcOutput,
	}
	steps := mnsqueue.New(mnsqueue.Options{Client: queues, Name: a.queue})
	h.queue, h.resend = steps, steps.SendText
	internal := httpclient.NewInternal(app.ResponseMax(c.limits))
	engine := acs.NewClient(credentials, internal)
	signer, err := taskCredentials(a, engine, credentials)
	if err != nil {
		return nil, err
	}
	h.own = a.protected
	h.objects = ossobject.New(ossobject.Options{Credentials: signer, Endpoints: a.endpoints})
	service := openapitask.Service{Client: acs.NewClient(signer, internal), Endpoints: a.endpoints}
	h.identity = func(function string) (string, error) {
		f, err := task.ParseFunction(function, a.endpoints.Region, a.endpoints.Account)
		if err != nil {
			return "", err
		}
		return f.Identity(), nil
	}
	h.queryResult = fctask.New(fctask.Options{Client: engine, Endpoints: a.endpoints}).QueryResult
	h.runners = func(
		recorder task.InvocationRecorder, flows task.Runner,
	) (map[string]task.Runner, task.Runner) {
		called := task.Runner(fctask.New(fctask.Options{Client: service.Client, Engine: engine,
			Endpoints: a.endpoints, Recorder: recorder, Mappings: functions, Own: a.protected}))
		if len(file.rest) > 0 {
			called = functiontask.New(functiontask.Options{
				Functions: file.rest,
				Next:      called,
				Client:    internal,
			})
		}
		return alibabaTasks(service, internal, signer, a, actiontask.New(file.actions, internal),
			called, flows)
	}
	if a.function != "" {
		h.dispatch = dispatcher(
			fctask.New(fctask.Options{Client: engine, Endpoints: a.endpoints}), a)
	}
	return h, nil
}

// taskCredentials returns the credentials that sign the calls of tasks: those of a separate role,
// which the function assumes with its own role. The engine's role may write its table, send to its
// queue and invoke the step runner. It must not sign a flow's requests, unless the operator
// configured that.
func taskCredentials(
	a *alibabaServices, engine *acs.Client, credentials alibaba.Provider,
) (alibaba.Provider, error) {
	switch {
	case a.ownRole:
		return credentials, nil
	case a.taskRole == "":
		return func(context.Context) (alibaba.Credentials, error) {
			return alibaba.Credentials{}, fmt.Errorf("%w of a role for tasks: name one in "+
				"MILLRACE_TASK_ROLE (go run ./infra/alibaba makes it; docs/alibaba.md)",
				alibaba.ErrNoCredentials)
		}, nil
	}
	endpoint, err := a.endpoints.Product("sts", "", "")
	if err != nil {
		return nil, fmt.Errorf("MILLRACE_TASK_ROLE: STS: %w", err)
	}
	return acs.Assume(acs.AssumedRole{
		Client:   engine,
		Endpoint: endpoint,
		ARN:      a.taskRole,
		Session:  "millrace-tasks",
	}), nil
}

// fcFunctions returns the functions of the functions file that map to functions of Function
// Compute.
func fcFunctions(file functionsFile) ([]fctask.Mapping, error) {
	if len(file.lambda) > 0 {
		return nil, file.lambda[0].errorf("`lambda:` is for functions of AWS; give it `fc:` or " +
			"`http:` here")
	}
	mappings := make([]fctask.Mapping, len(file.fc))
	for i, f := range file.fc {
		if _, err := task.ParseFunction(strings.ReplaceAll(f.name, "{name}", "name"), "",
			""); err != nil {
			return nil, f.errorf(err.Error())
		}
		mappings[i] = fctask.Mapping{Match: f.match, Function: f.name}
	}
	return mappings, nil
}

// fcOutput returns the result of a task from the response of a function of Function Compute.
func fcOutput(r *task.Request, requestID string, payload []byte) task.Result {
	header := http.Header{"Content-Type": {"application/json"}}
	if requestID != "" {
		header["X-Fc-Request-Id"] = []string{requestID}
	}
	return r.FunctionResult(fctask.Response(http.StatusOK, header, payload))
}

// alibabaTasks returns the runners of the actions that Alibaba Cloud carries out. Mappings of the
// functions file come first.
func alibabaTasks(
	service openapitask.Service, internal *http.Client, credentials alibaba.Provider,
	a *alibabaServices,
	mapped *actiontask.Runner, functions, flows task.Runner,
) (map[string]task.Runner, task.Runner) {
	tasks := map[string]task.Runner{
		fctask.Action: functions,
		mnstask.Action: mapped.Before(mnstask.New(mnstask.Options{
			Credentials: credentials,
			Endpoints:   a.endpoints,
			Own:         a.protected,
		})),
		osstask.Action: mapped.Before(osstask.New(osstask.Options{
			Credentials: credentials,
			Endpoints:   a.endpoints,
			Own:         a.protected,
			HTTP:        internal,
		})),
		openapitask.ActionPutEvents: mapped.Before(&openapitask.Events{
			Service: service,
			Own:     a.protected,
		}),
		openapitask.ActionSendSms: mapped.Before(&openapitask.SMS{Service: service}),
	}
	if len(a.cloudFlow) > 0 {
		tasks[openapitask.ActionStartExecution] = &openapitask.CloudFlow{
			Service: service,
			Match:   a.cloudFlow,
			Next:    flows,
		}
	}
	return tasks, &openapitask.AnyProduct{
		Service:   service,
		Products:  a.products,
		CloudFlow: a.cloudFlow,
		Own:       a.protected,
	}
}

// dispatcher starts an asynchronous invocation of this function for a hint. An invocation that
// delivers messages holds one of few slots and must end within five minutes; the invocation that
// dispatcher starts has neither limit (docs/protocol.md#hints).
func dispatcher(functions *fctask.Runner, a *alibabaServices) func(context.Context, string) error {
	return func(ctx context.Context, partition string) error {
		event, err := mnsqueue.EncodeJSON(partition)
		if err != nil {
			return err
		}
		if err := functions.Invoke(ctx, a.function, a.qualifier, event); err != nil {
			return fmt.Errorf("the step runner cannot start itself: %w", err)
		}
		return nil
	}
}
