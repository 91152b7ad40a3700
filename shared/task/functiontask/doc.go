// Package functiontask carries out FC:InvokeFunction on one machine, in both dialects. A functions
// file (docs/functions.md) says which program or address runs each function:
//
//	functions:
//	  - match: acs:fc:*:*:functions/greet/*   # glob: resource name, or the function's name
//	    http: http://127.0.0.1:9001           # custom-runtime protocol: POST /invoke, x-fc-*
//	  - match: charge*
//	    command: [./charge]                   # started on first use; runtime API of FC or Lambda
//	    concurrency: 4
//	    timeout: 60
//	  - match: hello
//	    reply: {message: hi}
//	  - match: broken
//	    error: {name: Boom, cause: text}
//	actions:                                  # for package actiontask
//	  - match: MNS:*
//	    http: http://127.0.0.1:9002
//
// Asynchronous invocations of modes RequestComplete and WaitForCustomCallback live in this process:
// the runner accepts them at once and runs them in the background. They are lost if the process is
// killed. An invocation of mode WaitForSystemCallback is not lost: Run waits for its end, so the
// attempt's lease and repeat cover it.
//
// The file is YAML (and so may be JSON), read with gopkg.in/yaml.v3 by the rules of YAML 1.2
// (package yamldoc).
package functiontask
