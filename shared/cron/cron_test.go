package cron_test

import (
	"strings"
	"testing"
	"time"

	"millrace/shared/cron"
)

func parse(t testing.TB, text string) *cron.Expression {
	t.Helper()
	e, err := cron.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return e
}

func at(t testing.TB, text string) time.Time {
	t.Helper()
	when, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

// TestNext: the times after a Monday, unless the case says another time.
func TestNext(t *testing.T) {
	for _, c := range []struct{ text, from, want string }{
		{"0 0 4 * * *", "", "2024-06-24T04:00:00Z 2024-06-25T04:00:00Z"},
		{"  30\t9 * * * * ", "", "2024-06-24T03:09:30Z 2024-06-24T04:09:30Z"},
		{"0 3/5 * * * *", "", "2024-06-24T03:03:00Z 2024-06-24T03:08:00Z"},
		{"0 58/5 * * * *", "", "2024-06-24T03:58:00Z 2024-06-24T04:58:00Z"},
		{"0 5-15/5,20 3 * * *", "",
			"2024-06-24T03:05:00Z 2024-06-24T03:10:00Z 2024-06-24T03:15:00Z 2024-06-24T03:20:00Z"},
		{"0 0 */12 * * *", "", "2024-06-24T12:00:00Z 2024-06-25T00:00:00Z"},
		{"0 0 10 1 * ?", "", "2024-07-01T10:00:00Z 2024-08-01T10:00:00Z"},
		{"0 0 0 ? * 1", "", "2024-07-01T00:00:00Z 2024-07-08T00:00:00Z"}, // Mondays
		{"0 0 0 ? * 7", "", "2024-06-30T00:00:00Z"},                      // Sundays
		{"0 0 0 ? * 0", "", "2024-06-30T00:00:00Z"},
		{"0 0 0 ? * 0-2", "", "2024-06-25T00:00:00Z 2024-06-30T00:00:00Z 2024-07-01T00:00:00Z"},
		{"0 0 0 ? * sat-sun", "", "2024-06-29T00:00:00Z 2024-06-30T00:00:00Z"},
		{"0 0 0 13 * FRI", "", "2024-09-13T00:00:00Z 2024-12-13T00:00:00Z"}, // both must match
		{"0 0 0 29 feb *", "", "2028-02-29T00:00:00Z 2032-02-29T00:00:00Z"},
		{"0 0 0 29 2 MON", "", "2044-02-29T00:00:00Z"},
		{"0 0 0 31 JAN,MAR-MAY *", "", "2025-01-31T00:00:00Z 2025-03-31T00:00:00Z 2025-05-31T00:00:00Z"},
		{"0 0 0 1 1 ?", "2096-02-01T00:00:00Z", "2097-01-01T00:00:00Z"},
		{"0 0 0 29 2 ?", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z"}, // 2100 is no leap year
		{"CRON_TZ=Asia/Shanghai 0 0 4 1 * *", "", "2024-06-30T20:00:00Z 2024-07-31T20:00:00Z"},
		{"CRON_TZ=UTC 0 0 4 * * *", "", "2024-06-24T04:00:00Z"},
		// New York, 2024-03-10: 02:00 to 03:00 does not exist.
		{"CRON_TZ=America/New_York 0 30 2 * * *", "2024-03-10T05:00:00Z",
			"2024-03-10T07:00:00Z 2024-03-11T06:30:00Z"},
		{"CRON_TZ=America/New_York 15 */20 2,3 * * *", "2024-03-10T05:00:00Z",
			"2024-03-10T07:00:00Z 2024-03-10T07:00:15Z 2024-03-10T07:20:15Z"},
		// New York, 2024-11-03: 01:00 to 02:00 comes twice.
		{"CRON_TZ=America/New_York 0 30 1 * * *", "2024-11-03T00:00:00Z",
			"2024-11-03T05:30:00Z 2024-11-04T06:30:00Z"},
		{"CRON_TZ=America/New_York 0 30 1 * * *", "2024-11-03T06:10:00Z", "2024-11-04T06:30:00Z"},
		{"CRON_TZ=America/New_York 0 0 * * * *", "2024-11-03T04:30:00Z",
			"2024-11-03T05:00:00Z 2024-11-03T07:00:00Z"},
		// Samoa left out 2011-12-30.
		{"CRON_TZ=Pacific/Apia 0 0 12 30 12 ?", "2011-12-01T00:00:00Z", "2011-12-30T10:00:00Z"},
	} {
		from := at(t, "2024-06-24T02:58:30Z")
		if c.from != "" {
			from = at(t, c.from)
		}
		e := parse(t, c.text)
		for _, want := range strings.Fields(c.want) {
			from = e.Next(from, time.Time{})
			if got := from.Format(time.RFC3339Nano); got != want {
				t.Errorf("%q: %s, want %s", c.text, got, want)
			}
		}
	}
}

// TestNextIsLater: the time itself is never the next one, and parts of a second do not count.
func TestNextIsLater(t *testing.T) {
	e := parse(t, "30 * * * * *")
	planned := at(t, "2024-06-24T03:00:30Z")
	for _, d := range []time.Duration{time.Nanosecond, time.Millisecond, time.Minute} {
		if got := e.Next(planned.Add(-d), time.Time{}); !got.Equal(planned) {
			t.Errorf("%v before: %v", d, got)
		}
	}
	for _, d := range []time.Duration{0, time.Nanosecond, 59 * time.Second} {
		if got := e.Next(planned.Add(d), time.Time{}); !got.Equal(planned.Add(time.Minute)) {
			t.Errorf("%v after: %v", d, got)
		}
	}
}

func TestEvery(t *testing.T) {
	e, anchor := parse(t, "@every 90m"), at(t, "2024-06-24T02:58:30Z")
	for _, c := range []struct {
		after time.Duration
		want  time.Duration
	}{
		{-time.Hour, 90 * time.Minute}, {0, 90 * time.Minute},
		{90*time.Minute - time.Millisecond, 90 * time.Minute}, {90 * time.Minute, 180 * time.Minute},
		{1000*90*time.Minute + time.Second, 1001 * 90 * time.Minute},
	} {
		// Planned times are whole seconds, whatever part of a second the anchor has.
		got := e.Next(anchor.Add(c.after), anchor.Add(900*time.Millisecond))
		if want := anchor.Add(c.want); !got.Equal(want) {
			t.Errorf("%v after the anchor: %v, want %v", c.after, got, want)
		}
	}
	parse(t, "@every  5256000m")
	parse(t, "CRON_TZ=Asia/Shanghai @every 5m")
}

// TestErrors: the error names the field, the place and what is allowed.
func TestErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "0 fields; six are needed",
		"0 4 * * *":                         "5 fields",
		"0 0 4 * * * *":                     "7 fields",
		"@every 30s":                        `"@every 30s" must be @every <n>m`,
		"@every 0m":                         "@every takes 1 to 5256000 minutes",
		"@every 5256001m":                   "@every takes 1 to",
		"@every 1.5h":                       "must be @every <n>m",
		"@every -5m":                        "must be @every",
		"@every 5m 5m":                      "must be @every",
		"@every5m":                          "must be @every",
		"@daily":                            "must be @every",
		"*/10 * * * * *":                    `seconds "*/10", at character 1: it takes one number from 0 to 59`,
		"0,30 * * * * *":                    "seconds",
		"* * * * * *":                       "seconds",
		"60 * * * * *":                      `"60" is not a number from 0 to 59`,
		"0 60 * * * *":                      `minutes "60", at character 3: "60" is not a number from 0 to 59`,
		"0  0 24 * * *":                     `hours "24", at character 6`,
		"0 0 0 0 * *":                       `day of month "0"`,
		"0 0 0 32 * *":                      `"32" is not a number from 1 to 31`,
		"0 0 0 ? 13 *":                      `month "13", at character 9: "13" is not a number from 1 to 12 or one of JAN to DEC`,
		"0 0 0 ? FEBR *":                    `"FEBR"`,
		"0 0 0 ? ANF *":                     `"ANF"`,
		"0 0 0 ? * 8":                       `"8" is not a number from 1 to 7 or one of MON to SUN`,
		"0 0 0 ? * FRI-MON":                 "the range FRI-MON ends before it begins",
		"0 0 0 ? * MON/2":                   "this field does not take '/'",
		"0 ? * * * *":                       "this field does not take '?'",
		"0 0 0 1? * *":                      `"1?"`,
		"0 */0 * * * *":                     `the step "0" must be a number from 1 to 60`,
		"0 */61 * * * *":                    `the step "61"`,
		"0 */ * * * *":                      `the step ""`,
		"0 5,,6 * * * *":                    `"" is not a number`,
		"0 5- * * * *":                      `"" is not a number`,
		"0 5-1-2 * * * *":                   `"1-2" is not a number`,
		"0 0x5 * * * *":                     `"0x5"`,
		"0 ５ * * * *":                       `"５"`,
		"0 0 0 L * ?":                       `"L"`,
		"0 0 0 30 2 ?":                      "it never comes",
		"0 0 0 31 4,6,9,11 *":               "it never comes",
		"CRON_TZ=Mars/Base 0 0 0 * * *":     `there is no time zone "Mars/Base"`,
		"CRON_TZ= 0 0 0 * * *":              "needs the name of a time zone",
		"CRON_TZ=Local 0 0 0 * * *":         "needs the name of a time zone",
		"CRON_TZ=../etc/passwd 0 0 0 * * *": "there is no time zone",
		"CRON_TZ=Asia/Shanghai":             "0 fields",
		"CRON_TZ=Asia/Shanghai 0 x 0 * * *": `minutes "x", at character 25`,
		"0 0 0 * * \xff":                    "it is not UTF-8",
		strings.Repeat(" ", 257):            "it has more than 256 bytes",
	} {
		e, err := cron.Parse(text)
		if err == nil {
			t.Errorf("%q: accepted, next %v", text, e.Next(time.Unix(0, 0), time.Time{}))
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// FuzzParse: no text crashes Parse, and the times of an accepted expression are whole seconds at
// least a minute apart in the zone's own time, and never earlier than the time before.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"0 0 4 * * *", "@every 5m", "CRON_TZ=Asia/Shanghai 0 0 4 1 * *",
		"59 */7 3-5/2 ? JAN-MAR,12 MON", "0 0 0 29 2 1", "CRON_TZ=America/New_York 1 30 1,2 * * *"} {
		f.Add(seed, int64(1_710_000_000_123))
	}
	f.Fuzz(func(t *testing.T, text string, ms int64) {
		e, err := cron.Parse(text)
		if err != nil {
			return
		}
		from := time.UnixMilli(ms % 4_000_000_000_000)
		for range 5 {
			next := e.Next(from, time.UnixMilli(ms%1_000_000))
			if !next.After(from) || next.Nanosecond() != 0 {
				t.Fatalf("%q after %v: %v", text, from, next)
			}
			from = next
		}
	})
}

func BenchmarkNext(b *testing.B) {
	for _, text := range []string{"0 * * * * *", "CRON_TZ=America/New_York 0 30 2 * * *",
		"0 0 0 29 2 MON"} {
		b.Run(text, func(b *testing.B) {
			e, from := parse(b, text), time.Unix(1_710_000_000, 0)
			for b.Loop() {
				e.Next(from, time.Time{})
			}
		})
	}
}
