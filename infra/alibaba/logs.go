package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// logSteps returns the steps of the log project, its logstore, and the index for searches.
func (k *cloud) logSteps() []step {
	project, days := k.config.project, k.config.retentionDays
	return []step{
		{
			part:  "logs",
			name:  "log project " + project,
			check: k.checkProject,
			apply: func(ctx context.Context, _ checkResult) error {
				return k.logs(ctx, http.MethodPost, "", "/",
					map[string]any{"projectName": project, "description": "Millrace"}, nil,
					"ProjectAlreadyExist")
			},
		},
		{
			part:  "logs",
			name:  fmt.Sprintf("logstore %s, kept for %d days", logstore, days),
			check: k.checkLogstore,
			apply: k.makeLogstore,
		},
		{
			part:  "logs",
			name:  "index of logstore " + logstore,
			check: k.checkIndex,
			apply: func(ctx context.Context, _ checkResult) error {
				return k.logs(ctx, http.MethodPost, project, "/logstores/"+logstore+"/index",
					logIndex(), nil, "IndexAlreadyExist")
			},
		},
	}
}

func (k *cloud) checkProject(ctx context.Context) (checkResult, error) {
	return absent(k.logs(ctx, http.MethodGet, k.config.project, "/", nil, nil), "ProjectNotExist")
}

type logstoreDocument struct {
	Name     string `json:"logstoreName"`
	Days     int    `json:"ttl"`
	Shards   int    `json:"shardCount"`
	Split    bool   `json:"autoSplit"`
	SplitMax int    `json:"maxSplitShard"`
}

func (k *cloud) checkLogstore(ctx context.Context) (checkResult, error) {
	var got logstoreDocument
	f, err := absent(k.logs(ctx, http.MethodGet, k.config.project, "/logstores/"+logstore, nil,
		&got), "ProjectNotExist", "LogStoreNotExist")
	if err == nil && f.state == upToDate && got.Days != k.config.retentionDays {
		return checkResult{outdated, fmt.Sprintf("kept for %d days", got.Days)}, nil
	}
	return f, err
}

func (k *cloud) makeLogstore(ctx context.Context, f checkResult) error {
	want := logstoreDocument{logstore, k.config.retentionDays, 2, true, 64}
	if f.state == outdated {
		return k.logs(ctx, http.MethodPut, k.config.project, "/logstores/"+logstore, want, nil)
	}
	return k.logs(ctx, http.MethodPost, k.config.project, "/logstores", want, nil,
		"LogStoreAlreadyExist")
}

func (k *cloud) checkIndex(ctx context.Context) (checkResult, error) {
	return absent(k.logs(ctx, http.MethodGet, k.config.project, "/logstores/"+logstore+"/index",
		nil, nil),
		"ProjectNotExist", "LogStoreNotExist", "IndexConfigNotExist")
}

// logIndex is an index of the whole lines and of the fields that Function Compute writes.
func logIndex() map[string]any {
	words := []string{",", " ", "'", "\"", ";", "=", "(", ")", "[", "]", "{", "}", "?", "@", "&",
		"<", ">", "/", ":", "\n", "\t", "\r"}
	keys := map[string]any{}
	for _, name := range []string{"functionName", "requestId", "instanceID", "versionId",
		"qualifier", "message", "level"} {
		keys[name] = map[string]any{
			"type":          "text",
			"token":         words,
			"caseSensitive": false,
			"doc_value":     true,
		}
	}
	return map[string]any{
		"line": map[string]any{"token": words, "caseSensitive": false},
		"keys": keys,
	}
}

// absent interprets the error of a check: an error with one of the codes means that the resource is
// missing.
func absent(err error, codes ...string) (checkResult, error) {
	if e, ok := err.(*logError); ok && slices.Contains(codes, e.Code) {
		return checkResult{state: missing}, nil
	}
	return checkResult{}, err
}

// logError is an error response of Simple Log Service.
type logError struct {
	Status        int    `json:"-"`
	Code          string `json:"errorCode"`
	Message       string `json:"errorMessage"`
	method, where string
}

func (e *logError) Error() string {
	return fmt.Sprintf("%s %s: %s (status %d): %s", e.method, e.where, e.Code, e.Status, e.Message)
}

// logs calls Simple Log Service, for a project unless that is "", and decodes the response into to,
// unless to is nil. It ignores errors with one of the codes in fine.
func (k *cloud) logs(
	ctx context.Context, method, project, path string, body, to any, fine ...string,
) error {
	r, err := k.logRequest(ctx, method, project, path, body)
	if err != nil {
		return err
	}
	client := k.http
	if client == nil {
		client = &http.Client{Timeout: 30 * time.Second}
	}
	response, err := client.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return err
	}
	if response.StatusCode/100 != 2 {
		e := &logError{Status: response.StatusCode, method: method, where: "https://" + r.Host +
			path}
		json.Unmarshal(text, e) // an undecodable response has no code
		if slices.Contains(fine, e.Code) {
			return nil
		}
		return e
	}
	if to == nil {
		return nil
	}
	return json.Unmarshal(text, to)
}

// logRequest returns a signed request. The service has its own kind of signature.
func (k *cloud) logRequest(
	ctx context.Context, method, project, path string, document any,
) (*http.Request, error) {
	credentials, err := k.credentials(ctx)
	if err != nil {
		return nil, err
	}
	var body []byte
	if document != nil {
		if body, err = json.Marshal(document); err != nil {
			return nil, err
		}
	}
	host := k.config.region + ".log.aliyuncs.com"
	if k.config.vpc {
		host = k.config.region + "-intranet.log.aliyuncs.com"
	}
	if project != "" {
		host = project + "." + host
	}
	r, err := http.NewRequestWithContext(ctx, method, k.config.endpoint("log", "https://"+host)+
		path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Host = host
	h := r.Header
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	h.Set("X-Log-Apiversion", "0.6.0")
	h.Set("X-Log-Signaturemethod", "hmac-sha1")
	h.Set("X-Log-Bodyrawsize", strconv.Itoa(len(body)))
	if body != nil {
		sum := md5.Sum(body)
		h.Set("Content-Md5", strings.ToUpper(hex.EncodeToString(sum[:])))
		h.Set("Content-Type", "application/json")
	}
	if credentials.SecurityToken != "" {
		h.Set("X-Acs-Security-Token", credentials.SecurityToken)
	}
	h.Set("Authorization", "LOG "+credentials.AccessKeyID+":"+
		logSignature(credentials.AccessKeySecret, method, path, h))
	return r, nil
}

// logSignature returns the signature of a request without a query.
func logSignature(secret, method, path string, h http.Header) string {
	lines := []string{method, h.Get("Content-Md5"), h.Get("Content-Type"), h.Get("Date")}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-log-") ||
			strings.HasPrefix(lower, "x-acs-") {
			lines = append(lines, lower+":"+h.Get(name))
		}
	}
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(strings.Join(append(lines, path), "\n")))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
