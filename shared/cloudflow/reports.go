package cloudflow

import (
	"context"

	"millrace/shared/engine"
	"millrace/shared/flow"
	"millrace/shared/interp"
)

// ReportTaskSucceeded reports a task's result by its token (docs/api.md#reports-of-tasks). It
// returns the id of the history event that it wrote.
func (s *Service) ReportTaskSucceeded(
	ctx context.Context, c Caller, q ReportTaskSucceededRequest,
) (int64, error) {
	if err := checkToken(q.TaskToken); err != nil {
		return 0, err
	}
	out, err := parseObject("Output", q.Output, s.dataBytesMax())
	if err != nil {
		return 0, err
	}
	report := engine.Report{Output: out.canonical, Size: out.size}
	id, err := s.Engine.Report(ctx, c.Account, q.TaskToken, report)
	if err != nil {
		return 0, reportFault(err, q.TaskToken)
	}
	return id, nil
}

// ReportTaskFailed reports a task's error by its token. It returns the id of the history event that
// it wrote.
func (s *Service) ReportTaskFailed(
	ctx context.Context, c Caller, q ReportTaskFailedRequest,
) (int64, error) {
	if err := checkToken(q.TaskToken); err != nil {
		return 0, err
	}
	if err := checkText("Error", &q.Error, flow.ErrorNameMax); err != nil {
		return 0, err
	}
	cause := deref(q.Cause)
	if cause != "" {
		if err := checkText("Cause", q.Cause, flow.ErrorCauseMax); err != nil {
			return 0, err
		}
	}
	id, err := s.Engine.Report(ctx, c.Account, q.TaskToken,
		engine.Report{Error: &flow.Error{Name: q.Error, Cause: cause}})
	if err != nil {
		return 0, reportFault(err, q.TaskToken)
	}
	return id, nil
}

func checkToken(token string) error {
	if len(token) > interp.TokenBytesMax {
		return errToken()
	}
	return nil
}
