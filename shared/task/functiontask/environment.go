package functiontask

import (
	"os"
	"runtime"
	"strings"
)

// baseVariables are the variables of the server that every command gets. All others may contain the
// server's secrets, so a command gets them only if its entry lists them.
var baseVariables = []string{"PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR"}

// baseVariablesWindows are variables without which programs do not start on Windows.
var baseVariablesWindows = []string{
	"ComSpec", "PATHEXT", "SystemDrive", "SystemRoot", "TEMP", "TMP", "USERPROFILE", "windir",
}

// environment returns the environment of a process: base variables of the server, those that the
// entry inherits, those that both runtimes set, and the entry's own. If a name occurs more than
// once, the last value counts.
func environment(spec *Function, as *identity, in *invocation, address string) []string {
	t := in.target
	env := append(inherited(spec.Inherit), as.variables()...)
	env = append(env,
		"FC_RUNTIME_API="+address,
		"FC_FUNCTION_NAME="+t.Name, "FC_FUNCTION_HANDLER=index.handler",
		"FC_FUNCTION_MEMORY_SIZE=512", "FC_REGION="+t.Region, "FC_QUALIFIER="+t.Qualifier,
		"AWS_LAMBDA_RUNTIME_API="+address,
		"AWS_LAMBDA_FUNCTION_NAME="+t.Name, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512",
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "_HANDLER=index.handler",
	)
	if spec.account != "" {
		env = append(env, "FC_ACCOUNT_ID="+spec.account)
	}
	if spec.Dir != "" {
		env = append(env, "LAMBDA_TASK_ROOT="+spec.Dir, "FC_FUNC_CODE_PATH="+spec.Dir)
	}
	for name, v := range spec.Env {
		env = append(env, name+"="+v)
	}
	return env
}

// inherited returns the variables of the server that a command gets: the base variables, and those
// in names that the server has.
func inherited(names []string) []string {
	var env []string
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); isBaseVariable(name) {
			env = append(env, variable)
		}
	}
	for _, name := range names {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

func isBaseVariable(name string) bool {
	if strings.HasPrefix(name, "LC_") {
		return true
	}
	for _, k := range baseVariables {
		if name == k {
			return true
		}
	}
	if runtime.GOOS == "windows" {
		for _, k := range baseVariablesWindows {
			if strings.EqualFold(name, k) {
				return true
			}
		}
		return strings.EqualFold(name, "PATH")
	}
	return false
}

// onlyAccount returns the account to which all functions of an entry belong: only, if the server
// has a single account, else the account in the entry's pattern. It returns "" if the entry's
// processes may serve several accounts.
func onlyAccount(match, only string) string {
	// A resource name has four colons, so in a pattern with four colons the fourth part is matched
	// against the account.
	parts := strings.Split(match, ":")
	if only == "" && len(parts) == 5 && !strings.ContainsAny(parts[3], "*?") {
		return parts[3]
	}
	return only
}
