package deploy_test

import (
	"bytes"
	"os"
	"testing"

	"millrace/tests/deploy"
)

// mutations each change one thing in the template's text. The rule must find it.
var mutations = []struct {
	rule, old, new string
}{
	{"references", "!GetAtt StepDeadLetters.Arn,", "!GetAtt NoLetters.Arn,"},
	{"references", `Value: !Sub "https://${HttpApi}.`, `Value: !Sub "https://${NoApi}.`},
	{"references", "    Condition: HasEvents\n    Metadata",
		"    Condition: NewBucket\n    Metadata"},
	{"references", "!GetAtt ExpressFunctionUrl.FunctionUrl",
		"!GetAtt SweeperFunctionUrl.FunctionUrl"},
	{"circles", `LogGroupName: !Sub "/millrace/${AWS::StackName}/steprunner"`,
		`LogGroupName: !Sub "/aws/lambda/${StepRunnerFunction}"`},
	{"circles", "      FunctionName: !Ref StarterFunction\n",
		"      FunctionName: !Ref StarterFunction\n      Qualifier: !Ref NewEventBucket\n"},
	{"visibility", "VisibilityTimeout: 1800", "VisibilityTimeout: 1799"},
	{"visibility", "Timeout: 300", "Timeout: 301"},
	{"age", "    Default: 2700\n    MinValue: 1860\n", "    Default: 900\n    MinValue: 1860\n"},
	{"age", "Threshold: !Ref QueueAgeSeconds", "Threshold: 1800"},
	{"visibility", "VisibilityTimeout: 180\n", "VisibilityTimeout: 30\n"},
	{"batches", "            FunctionResponseTypes: [ReportBatchItemFailures]\n", ""},
	{"batches", "BatchSize: !Ref BatchSize", "BatchSize: 10"},
	{"batches", "ScalingConfig: {MaximumConcurrency: !Ref RunnerConcurrency}",
		"ScalingConfig: {MaximumConcurrency: 1}"},
	{"dead letters", "      RedrivePolicy: {deadLetterTargetArn: !GetAtt StepDeadLetters.Arn, " +
		"maxReceiveCount: !Ref MaxReceives}\n", ""},
	{"dead letters", "maxReceiveCount: !Ref MaxReceives", "maxReceiveCount: 1"},
	{"dead letters", "deadLetterTargetArn: !GetAtt EventDeadLetters.Arn",
		"deadLetterTargetArn: !GetAtt EventQueue.Arn"},
	{"dead letters", "    Properties:\n      MessageRetentionPeriod: 1209600",
		"    Properties:\n      MessageRetentionPeriod: 345600"},
	{"dead letters", "Value: !GetAtt StepDeadLetters.QueueName",
		"Value: !GetAtt StepQueue.QueueName"},
	{"recursion", "      RecursiveLoop: Allow\n", ""},
	{"timeouts", "      Timeout: 29\n", "      Timeout: 60\n"},
	{"timeouts", "MILLRACE_WAIT_SECONDS: 25", "MILLRACE_WAIT_SECONDS: 29"},
	{"timeouts", "MILLRACE_SYNC_SECONDS: 300", "MILLRACE_SYNC_SECONDS: 400"},
	{"kept data", "    DeletionPolicy: Retain\n    UpdateReplacePolicy: Retain\n" +
		"    Properties:\n      BillingMode",
		"    UpdateReplacePolicy: Retain\n    Properties:\n      BillingMode"},
	{"kept data", "PointInTimeRecoveryEnabled: true", "PointInTimeRecoveryEnabled: false"},
	{"kept data", "      DeletionProtectionEnabled: !Ref DeletionProtection\n", ""},
	{"encryption", "SSEEnabled: true", "SSEEnabled: false"},
	{"encryption", "      SqsManagedSseEnabled: true\n", ""},
	{"logs", "      LoggingConfig: {LogGroup: !Ref SweeperLogs, LogFormat: JSON, " +
		"SystemLogLevel: WARN}\n", ""},
	{"logs", "LogGroup: !Ref SweeperLogs", "LogGroup: !Ref ApiLogs"},
	{"logs", "LogFormat: JSON", "LogFormat: Text"},
	{"logs", "      RetentionInDays: !Ref LogRetentionDays\n", ""},
	{"access log", `"method":"$context.httpMethod"`,
		`"query":"$context.path?$request.querystring"`},
	{"roles", "Role: !GetAtt SweeperRole.Arn", "Role: !GetAtt StepRunnerRole.Arn"},
	{"roles", "      MemorySize: 256\n",
		"      MemorySize: 256\n      Policies: [AmazonDynamoDBFullAccess]\n"},
	{"roles", "Resource: !GetAtt SweeperLogs.Arn", "Resource: !GetAtt ApiLogs.Arn"},
	{"roles", "Principal: {Service: lambda.amazonaws.com}", `Principal: {AWS: "*"}`},
	{"wildcards", "Action: [sqs:SendMessage]", `Action: ["sqs:*"]`},
	{"wildcards", "Resource: !GetAtt StepQueue.Arn", `Resource: "*"`},
	{"wildcards", `!Sub "${StateTable.Arn}/index/list"`, `!Sub "${StateTable.Arn}/index/*"`},
	{"service principals", "            Condition: {ArnEquals: {\"aws:SourceArn\": !GetAtt " +
		"EventRule.Arn}}\n", ""},
	{"service principals", "              StringEquals: {\"aws:SourceAccount\": !Ref " +
		"\"AWS::AccountId\"}\n", ""},
	{"service principals", "      SourceAccount: !Ref \"AWS::AccountId\"\n", ""},
	{"alarms", "MetricName: Throttles", "MetricName: Duration"},
	{"alarms", "MetricName: ConcurrentExecutions", "MetricName: Invocations"},
	{"alarms", "      AlarmActions: !If [HasTopic, [!Ref AlarmTopicArn], !Ref \"AWS::NoValue\"]\n",
		""},
	{"alarms", "      TreatMissingData: notBreaching\n", ""},
	{"alarms", "MetricName: ReadThrottleEvents", "MetricName: ConsumedReadCapacityUnits"},
	{"alarms", "{Name: GlobalSecondaryIndexName, Value: wake}",
		"{Name: GlobalSecondaryIndexName, Value: list}"},
	{"sweep", "rate(1 minute)", "rate(10 minutes)"},
	{"sweep", `Input: '{"kind":"sweep"}'`, `Input: '{"kind":"sweeps"}'`},
	{"sweep", "TreatMissingData: breaching", "TreatMissingData: notBreaching"},
	{"ways", `"by":"${EventQueue.Arn}",`, ""},
	{"ways", `"by":"${EventQueue.Arn}"`, `"by":"${StepQueue.Arn}"`},
	{"ways", "!If [EventsByFunction, !Sub ',{", "!If [EventsByQueue, !Sub ',{"},
}

func TestMutations(t *testing.T) {
	text, err := os.ReadFile(templatePath)
	if err != nil {
		t.Fatal(err)
	}
	tried := map[string]bool{}
	for _, m := range mutations {
		tried[m.rule] = true
		changed := bytes.Replace(text, []byte(m.old), []byte(m.new), 1)
		if bytes.Equal(changed, text) {
			t.Errorf("%s: %q is not in the template", m.rule, m.old)
			continue
		}
		doc, err := deploy.Parse(changed)
		if err != nil {
			t.Errorf("%s: %v", m.rule, err)
			continue
		}
		if found := findings(t, doc); len(found[m.rule]) == 0 {
			t.Errorf("%s: %q for %q goes unnoticed; found %v", m.rule, m.new, m.old, found)
		}
	}
	for _, r := range deploy.Rules {
		if !tried[r.Name] {
			t.Errorf("no mutation tries the rule %s", r.Name)
		}
	}
}
