// Package functiontask carries out FC:InvokeFunction on one machine, in both flow languages. Which function is what says
// a functions file (docs/functions.md):
//
//	functions:
//	  - match: acs:fc:*:*:functions/greet/*   # a glob on the resource name, or on the function's name
//	    http: http://127.0.0.1:9001           # the custom-runtime protocol: POST /invoke, x-fc-* headers
//	  - match: charge*
//	    command: [./charge]                   # started on first use; speaks the runtime API of FC or of Lambda
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
// Asynchronous invocations of mode RequestComplete and WaitForCustomCallback live in this process: they are answered
// at once, run in the background, and are lost when the process is killed. One of mode WaitForSystemCallback is not:
// Run waits for its end, so the attempt's lease and repeat cover it.
//
// The file is YAML (JSON is YAML too), read with gopkg.in/yaml.v3 by the rules of YAML 1.2 (package
// yamltext).
package functiontask
