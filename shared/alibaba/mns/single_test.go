package mns_test

import (
	"net/http"
	"testing"
	"time"

	"millrace/shared/alibaba"
	"millrace/shared/alibaba/mns"
	emulator "millrace/tests/clouds/emulators/alibaba/mns"
)

func TestSingleMessages(t *testing.T) {
	s := emulator.New(emulator.Options{})
	s.CreateQueue("q")
	endpoint := mns.Endpoint(emulator.AccountID, emulator.Region, true)
	c := &mns.Client{Endpoint: endpoint, HTTP: &http.Client{
		Transport: s.Transport(),
	},
		Credentials: alibaba.Static(alibaba.Credentials{
			AccessKeyID: emulator.AccessKeyID, AccessKeySecret: emulator.AccessKeySecret,
		})}
	late, err := c.SendOne(t.Context(), "q", mns.OutgoingMessage{Body: "late", Delay: time.Hour},
		0)
	if err != nil || late.ID == "" || late.RequestID == "" {
		t.Fatal(late, err)
	}
	if _, err := c.SendOne(t.Context(), "q", mns.OutgoingMessage{Body: "second"}, 0); err != nil {
		t.Fatal(err)
	}
	first, err := c.SendOne(t.Context(), "q", mns.OutgoingMessage{Body: "one"}, 1)
	if err != nil || first.Digest != "F97C5D29941BFB1B2FDAB0874906AB82" {
		t.Fatal(first, err)
	}
	got, err := c.Receive(t.Context(), "q", 16, 0)
	if err != nil || len(got) != 2 || got[0].ID != first.ID || got[1].Body != "second" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := c.SendOne(t.Context(), "q", mns.OutgoingMessage{Body: "x"},
		17); mns.Code(err) != "InvalidArgument" {
		t.Error(err)
	}
	if _, err := c.Publish(t.Context(), "t", "x", ""); mns.Code(err) != "TopicNotExist" {
		t.Error(err)
	}
	s.CreateTopic("t")
	if sent, err := c.Publish(t.Context(), "t", "<x>", "tag"); err != nil || sent.ID == "" ||
		s.Published("t")[0] != "<x>" {
		t.Error(sent, err)
	}
	p := mns.Publication{Body: "y", Mail: `{"Subject":"s"}`, SMS: `{"Type":"singleContent"}`}
	if sent, err := c.PublishWith(t.Context(), "t", p); err != nil || sent.ID == "" ||
		s.Published("t")[1] != "y" {
		t.Error(sent, err)
	}
}
