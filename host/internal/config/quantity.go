package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// duration reads a duration from least to most.
func duration(dst *time.Duration, least, most time.Duration) reader {
	return func(v any, at place) {
		if v == "off" {
			at.fail(`this cannot be "off"; write %q to %q`, formatDuration(least), formatDuration(most))
			return
		}
		d, err := parseDuration(v, least, most, `"500ms" or "2s"`)
		if err != nil {
			at.fail("%v", err)
			return
		}
		*dst = d
	}
}

// deadline reads the timeout of a plugin.
func deadline(dst *time.Duration) reader {
	return func(v any, at place) {
		if v == "off" {
			at.fail(`only a route may be without a deadline; write timeout = "off" in its [[route]], and a duration here`)
			return
		}
		duration(dst, shortest, longest)(v, at)
	}
}

// seconds reads "off" or a socket setting that the system keeps in whole
// seconds.
func seconds(dst *OptionalDuration, least, most time.Duration) reader {
	return func(v any, at place) {
		if v == "off" {
			*dst = OptionalDuration{}
			return
		}
		if v == false {
			at.fail(`expected a duration or "off", got false; write "off"`)
			return
		}
		d, err := parseDuration(v, least, most, `"30s"`)
		switch {
		case err != nil:
			at.fail(`%v, or "off"`, err)
		case d%time.Second != 0:
			at.fail("%q is no whole number of seconds; write %q", v, formatDuration(d.Truncate(time.Second)+time.Second))
		default:
			*dst = OptionalDuration{On: true, Duration: d}
		}
	}
}

// parseDuration returns v, a text such as "2s", when it lies between least and
// most. example stands in the errors.
func parseDuration(v any, least, most time.Duration, example string) (time.Duration, error) {
	switch v := v.(type) {
	case string:
		d, err := time.ParseDuration(v)
		switch {
		case err == nil && (d < least || d > most):
			return 0, fmt.Errorf("%s is out of range; write %q to %q", show(v), formatDuration(least), formatDuration(most))
		case err == nil:
			return d, nil
		}
		if n, err := strconv.ParseFloat(strings.TrimSpace(v), 64); err == nil && n >= 0 && !math.IsInf(n, 0) {
			return 0, fmt.Errorf("%s has no unit; write %q or %q", show(v), strings.TrimSpace(v)+"s", strings.TrimSpace(v)+"ms")
		}
		if near := nearDuration(v); near != "" {
			return 0, fmt.Errorf("%s is no duration; write %q", show(v), near)
		}
		return 0, fmt.Errorf("%s is no duration; write %s", show(v), example)
	case int64:
		if v >= 0 {
			return 0, fmt.Errorf(`%d has no unit; write "%ds" or "%dms"`, v, v, v)
		}
		return 0, fmt.Errorf("%d is no duration; write %s", v, example)
	}
	return 0, fmt.Errorf("expected a duration, got %s; write %s", kind(v), example)
}

// nearDuration returns the duration that was meant by "5 sec", "2S" or "1d", or
// "".
func nearDuration(s string) string {
	number, unit := splitUnit(s)
	n, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return ""
	}
	for canonical, names := range map[string]string{
		"ms":  " ms msec msecs milli millis millisecond milliseconds ",
		"s":   " s sec secs second seconds ",
		"m":   " m min mins minute minutes ",
		"h":   " h hr hrs hour hours ",
		"day": " d day days ",
	} {
		if strings.Contains(names, " "+strings.ToLower(unit)+" ") {
			if canonical == "day" {
				number, canonical = strconv.FormatFloat(n*24, 'f', -1, 64), "h"
			}
			if near := number + canonical; isDuration(near) {
				return near
			}
		}
	}
	return ""
}

func isDuration(s string) bool {
	_, err := time.ParseDuration(s)
	return err == nil
}

// formatDuration returns d as it is written in the file, "24h" rather than
// "24h0m0s".
func formatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// size reads a number of bytes from least to most, as "64KiB" or a plain
// number.
func size[T int | int64](dst *T, least, most int64) reader {
	return func(v any, at place) {
		n, err := parseSize(v)
		switch {
		case err != nil:
			at.fail("%v", err)
		case n < least || n > most:
			at.fail("%v is out of range; write %s to %s", v, formatSize(least), formatSize(most))
		default:
			*dst = T(n)
		}
	}
}

// parseSize returns the bytes of "64KiB", "4MiB", "1GiB" or a plain number.
// What does not fit an int64 becomes the largest.
func parseSize(v any) (int64, error) {
	switch v := v.(type) {
	case int64:
		return v, nil
	case string:
		for _, u := range units {
			number, ok := strings.CutSuffix(v, u.name)
			if !ok || number == "" || strings.Trim(number, "0123456789") != "" {
				continue
			}
			n, err := strconv.ParseInt(number, 10, 64)
			if err != nil || n > math.MaxInt64/u.bytes {
				return math.MaxInt64, nil
			}
			return n * u.bytes, nil
		}
		if near := nearSize(v); near != "" {
			return 0, fmt.Errorf("%s is no size; write %s", show(v), near)
		}
		return 0, fmt.Errorf(`%s is no size; write "64KiB", "4MiB" or a plain number of bytes`, show(v))
	}
	return 0, fmt.Errorf(`expected a size, got %s; write "64KiB", "4MiB" or a plain number of bytes`, kind(v))
}

type sizeUnit struct {
	name  string
	bytes int64
}

var units = [...]sizeUnit{{"GiB", gib}, {"MiB", mib}, {"KiB", kib}}

// nearSize returns the size that was meant by "64kb", "1.5 GiB" or "65536", as
// it is to be written, or "".
func nearSize(s string) string {
	number, unit := splitUnit(s)
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || n < 0 || n > 1<<40 {
		return ""
	}
	if strings.Trim(number, "0123456789") == "" && strings.Contains("  b byte bytes ", " "+strings.ToLower(unit)+" ") {
		return strconv.FormatInt(int64(n), 10) + " without quotes"
	}
	for _, u := range units {
		letter := strings.ToLower(u.name[:1])
		switch strings.ToLower(unit) {
		case letter, letter + "b", letter + "ib":
			if bytes := n * float64(u.bytes); bytes == math.Trunc(bytes) && bytes < math.MaxInt64 {
				return strconv.Quote(formatSize(int64(bytes)))
			}
		}
	}
	return ""
}

// splitUnit splits "64 KiB" into its number and its unit.
func splitUnit(s string) (number, unit string) {
	s = strings.TrimSpace(s)
	number = s[:len(s)-len(strings.TrimLeft(s, "0123456789."))]
	return number, strings.TrimSpace(s[len(number):])
}

// formatSize returns n in the largest unit that divides it.
func formatSize(n int64) string {
	for _, u := range units {
		if n != 0 && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}
