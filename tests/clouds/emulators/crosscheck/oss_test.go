package crosscheck_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	sdk "github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"
	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss/credentials"
	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss/signer"

	"millrace/tests/clouds/emulators/alibaba/oss"
)

func ossClient(endpoint, region string, key oss.Key) *sdk.Client {
	return sdk.NewClient(sdk.LoadDefaultConfig().WithRegion(region).WithEndpoint(endpoint).
		WithUsePathStyle(true).WithRetryMaxAttempts(1).
		WithCredentialsProvider(credentials.NewStaticCredentialsProvider(key.ID, key.Secret,
			key.Token)))
}

// TestOSS: the stand-in accepts the SDK's signatures, and the SDK reads the stand-in's responses.
func TestOSS(t *testing.T) {
	sts := oss.Key{ID: "sts", Secret: "secret", Token: "token"}
	s := oss.New(oss.Options{Keys: []oss.Key{oss.DefaultKey, sts}})
	s.CreateBucket("inbox", "")
	s.CreateBucket("elsewhere", "cn-beijing")
	at := httptest.NewServer(s)
	defer at.Close()
	const name = "in/日本 +&?#%41.json"
	for _, key := range []oss.Key{oss.DefaultKey, sts} {
		c := ossClient(at.URL, "cn-hangzhou", key)
		put, err := c.PutObject(t.Context(), &sdk.PutObjectRequest{Bucket: sdk.Ptr("inbox"),
			Key: sdk.Ptr(name), Body: strings.NewReader(`{"by":"` + key.ID + `"}`),
			Metadata: map[string]string{"who": "me"}})
		if err != nil {
			t.Fatal(err)
		}
		get := &sdk.GetObjectRequest{Bucket: sdk.Ptr("inbox"), Key: sdk.Ptr(name),
			VersionId: put.VersionId}
		got, err := c.GetObject(t.Context(), get)
		if err != nil {
			t.Fatal(err)
		}
		if body, _ := io.ReadAll(got.Body); string(body) != `{"by":"`+key.ID+`"}` ||
			got.Metadata["who"] != "me" || sdk.ToString(got.ETag) != sdk.ToString(put.ETag) {
			t.Errorf("%s %v", body, got)
		}
		get.Range, get.IfMatch = sdk.Ptr("bytes=1-4"), put.ETag
		if got, err = c.GetObject(t.Context(), get); err != nil {
			t.Fatal(err)
		}
		if body, _ := io.ReadAll(got.Body); string(body) != `"by"` || got.StatusCode != 206 {
			t.Errorf("%s %d", body, got.StatusCode)
		}
	}
	refused := func(code string, c *sdk.Client, bucket, key string) {
		t.Helper()
		_, err := c.GetObject(t.Context(), &sdk.GetObjectRequest{Bucket: sdk.Ptr(bucket),
			Key: sdk.Ptr(key)})
		var e *sdk.ServiceError
		if !errors.As(err, &e) || e.Code != code || e.RequestID == "" {
			t.Errorf("%v, want %s", err, code)
		}
	}
	c := ossClient(at.URL, "cn-hangzhou", oss.DefaultKey)
	refused("NoSuchKey", c, "inbox", "none")
	refused("NoSuchBucket", c, "none", "a")
	refused("AccessDenied", c, "elsewhere", "a")
	refused("SignatureDoesNotMatch",
		ossClient(at.URL, "cn-hangzhou", oss.Key{ID: "test", Secret: "other"}), "inbox", name)
	refused("InvalidAccessKeyId",
		ossClient(at.URL, "cn-hangzhou", oss.Key{ID: "nobody", Secret: "x"}), "inbox", name)
	refused("InvalidArgument", ossClient(at.URL, "cn-beijing", oss.DefaultKey), "inbox", name)
}

var update = flag.Bool("update", false, "write the vectors of shared/task/osstask")

// TestVectors compares the vectors of shared/task/osstask with the SDK's signer. With -update it
// writes them.
func TestVectors(t *testing.T) {
	const file = "../../../../shared/task/osstask/testdata/vectors.json"
	type vector struct {
		ID, Secret, Token, Region, Bucket, Key, Version, URL, Authorization string
		Time                                                                time.Time
	}
	at := time.Date(2026, 11, 24, 9, 30, 5, 0, time.UTC)
	list := []vector{
		{ID: "AKID", Secret: "SECRET", Region: "cn-hangzhou", Bucket: "inbox", Key: "order.json",
			URL: "https://inbox.oss-cn-hangzhou.aliyuncs.com/order.json", Time: at},
		{ID: "STS.id", Secret: "SECRET", Token: "CAIS+/=token", Region: "cn-beijing",
			Bucket: "in-box1", Key: "a/日本 +&?#%41", Time: at,
			URL: "https://in-box1.oss-cn-beijing.aliyuncs.com/a/%E6%97%A5%E6%9C%AC%20%2B%26%3F%23%2541"},
		{ID: "AKID", Secret: "SECRET", Region: "cn-hangzhou", Bucket: "inbox",
			Key: "//a/../b~!*'()", Version: "CAEQ+/=", Time: at,
			URL: "https://inbox.oss-cn-hangzhou.aliyuncs.com///a/../b~%21%2A%27%28%29?versionId=CAEQ%2B%2F%3D"},
	}
	for i, v := range list {
		r, err := http.NewRequest(http.MethodGet, v.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := (&signer.SignerV4{}).Sign(context.Background(),
			&signer.SigningContext{Product: sdk.Ptr("oss"), Region: &v.Region, Bucket: &v.Bucket,
				Key:     &v.Key,
				Request: r, Time: v.Time, Credentials: &credentials.Credentials{AccessKeyID: v.ID,
					AccessKeySecret: v.Secret, SecurityToken: v.Token}}); err != nil {
			t.Fatal(err)
		}
		list[i].Authorization = r.Header.Get("Authorization")
	}
	text, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	if *update {
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if kept, err := os.ReadFile(file); err != nil || string(kept) != string(text) {
		t.Errorf("%s is not what the SDK signs (%v); write it with -update", file, err)
	}
}
