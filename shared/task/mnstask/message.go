package mnstask

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"millrace/shared/arn"
	"millrace/shared/task"
	"millrace/shared/value"
)

// Limits of the service.
const (
	priorityMax = 16
	delayMax    = 604800 // seconds
	nameMax     = 256
)

// message is a parsed request.
type message struct {
	arn             string // as the flow wrote it
	region, account string
	queue, topic    string // exactly one is set
	body            string
	delay           time.Duration
	priority        int
	tag, mail, sms  string
}

func (m *message) permission() string {
	if m.topic != "" {
		return "mns:PublishMessage"
	}
	return "mns:SendMessage"
}

// parse reads the request. Each dialect has its own names of the parameters.
func parse(r *task.Request) (*message, error) {
	p := map[string]json.RawMessage{}
	if len(r.Parameters) > 0 {
		if err := value.Unmarshal(r.Parameters, &p); err != nil {
			return nil, errors.New("the parameters must be an object")
		}
	}
	names := r.MessageParameters()
	m := &message{arn: r.Resource}
	if names.ResourceArn != "" {
		m.arn = task.Text(p[names.ResourceArn])
	}
	if err := m.target(); err != nil {
		return nil, err
	}
	if m.body = task.Text(p[names.Body]); m.body == "" {
		return nil, fmt.Errorf("%s is required, and must not be empty", names.Body)
	}
	if err := sendable(m.body); err != nil {
		return nil, fmt.Errorf("%s: %w", names.Body, err)
	}
	delay, err := number(p[names.Delay], 0, delayMax)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", names.Delay, err)
	}
	m.delay = time.Duration(delay) * time.Second
	if m.priority, err = number(p[names.Priority], 1, priorityMax); err != nil {
		return nil, fmt.Errorf("%s: %w", names.Priority, err)
	}
	if m.tag = task.Text(p[names.Tag]); sendable(m.tag) != nil {
		return nil, fmt.Errorf("%s: %w", names.Tag, sendable(m.tag))
	}
	return m, m.attributes(p[names.Attributes])
}

// target parses acs:mns:{region}:{account}:/queues/{queue}/messages and …/topics/{topic}/messages.
func (m *message) target() error {
	if m.arn == "" {
		return errors.New("resourceArn is required")
	}
	name, err := arn.Parse(m.arn)
	if err != nil {
		return err
	}
	parts := strings.Split(name.Resource, "/")
	if name.Service != "mns" || len(parts) < 2 || len(parts) > 3 ||
		len(parts) == 3 && parts[2] != "messages" || !isName(parts[1]) {
		return fmt.Errorf(
			"%q is neither acs:mns:{region}:{account}:/queues/{queue}/messages nor "+
				"…/topics/{topic}/messages", m.arn,
		)
	}
	switch parts[0] {
	case "queues":
		m.queue = parts[1]
	case "topics":
		m.topic = parts[1]
	default:
		return fmt.Errorf("%q names neither a queue nor a topic", m.arn)
	}
	m.region, m.account = name.Region, name.Account
	return nil
}

// isName reports whether a queue or a topic can have this name.
func isName(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') &&
			c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= nameMax
}

// sendable returns an error if s contains characters that XML 1.0 does not allow, because the
// service would reject the request as malformed.
func sendable(s string) error {
	if !utf8.ValidString(s) {
		return errors.New("it is not UTF-8")
	}
	for _, c := range s {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0xFFFE || c == 0xFFFF {
			return fmt.Errorf(
				"the character U+%04X cannot be in a message; encode the text, for example in "+
					"Base64", c,
			)
		}
	}
	return nil
}

// number reads an integer from lower to upper, or the text of one. It returns 0 if raw is absent.
func number(raw json.RawMessage, lower, upper int) (int, error) {
	text := strings.TrimSpace(task.Text(raw))
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < lower || n > upper {
		return 0, fmt.Errorf("it must be a whole number from %d to %d, not %.40q", lower, upper,
			text)
	}
	return n, nil
}

// attributes reads {"MailAttributes","SMSAttributes"}, as an object or as the JSON text of one.
func (m *message) attributes(raw json.RawMessage) error {
	text := task.Text(raw)
	if text == "" {
		return nil
	}
	var a struct {
		Mail json.RawMessage `json:"MailAttributes"`
		SMS  json.RawMessage `json:"SMSAttributes"`
	}
	if err := value.Unmarshal([]byte(text), &a); err != nil {
		return errors.New(
			"messageAttributes must be an object with MailAttributes and SMSAttributes",
		)
	}
	m.mail, m.sms = task.Text(a.Mail), task.Text(a.SMS)
	for _, text := range []string{m.mail, m.sms} {
		if err := sendable(text); err != nil {
			return fmt.Errorf("messageAttributes: %w", err)
		}
	}
	return nil
}
