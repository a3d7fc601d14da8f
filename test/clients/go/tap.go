// TAP: one line per check, and what was expected and found when a check fails. A failed check ends nothing: one run
// shows everything that is wrong.
package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"reflect"
	"strings"

	"github.com/milvus-io/milvus/pkg/v2/util/merr"
)

var count, failed int

func line(ok bool, what string, details ...string) {
	count++
	if ok {
		fmt.Printf("ok %d - %s\n", count, what)
		return
	}
	failed++
	fmt.Printf("not ok %d - %s\n", count, what)
	for _, detail := range details {
		fmt.Println("# " + strings.ReplaceAll(detail, "\n", "\n# "))
	}
}

// check: there is no error, and found is expected.
func check(what string, found any, err error, expected any) {
	if err != nil {
		line(false, what, fmt.Sprintf("expected %v", expected), "found an error: "+err.Error())
		return
	}
	line(alike(found, expected), what, fmt.Sprintf("expected %#v", expected), fmt.Sprintf("found %#v", found))
}

// does: there is no error.
func does(what string, errs ...error) {
	for _, err := range errs {
		if err != nil {
			line(false, what, "expected no error", "found "+err.Error())
			return
		}
	}
	line(true, what)
}

// fails: there is an error of the server with this code, and with this phrase.
func fails(what string, err error, code int32, phrase string) {
	expected := fmt.Sprintf("expected code %d with %q", code, phrase)
	if err == nil {
		line(false, what, expected, "found no error")
		return
	}
	ok := (code == 0 || merr.Code(err) == code) && strings.Contains(err.Error(), phrase)
	line(ok, what, expected, fmt.Sprintf("found code %d: %s", merr.Code(err), err.Error()))
}

// alike: equality, where float32 values may differ in the last bit, and JSON in its spelling.
func alike(found, expected any) bool {
	switch want := expected.(type) {
	case []float32:
		have, ok := found.([]float32)
		if !ok || len(have) != len(want) {
			return false
		}
		for i := range want {
			if math.Abs(float64(have[i]-want[i])) > 1e-6*math.Max(1, math.Abs(float64(want[i]))) {
				return false
			}
		}
		return true
	case map[string]any:
		have, ok := found.(map[string]any)
		if !ok || len(have) != len(want) {
			return false
		}
		for key, value := range want {
			if other, there := have[key]; !there || !alike(other, value) {
				return false
			}
		}
		return true
	case []map[string]any:
		have, ok := found.([]map[string]any)
		if !ok || len(have) != len(want) {
			return false
		}
		for i := range want {
			if !alike(have[i], want[i]) {
				return false
			}
		}
		return true
	case document:
		have, ok := found.(document)
		if !ok {
			return false
		}
		var one, other any
		return json.Unmarshal([]byte(have), &one) == nil && json.Unmarshal([]byte(want), &other) == nil &&
			reflect.DeepEqual(one, other)
	}
	return reflect.DeepEqual(found, expected)
}

func finish() {
	fmt.Printf("1..%d\n", count)
	if failed > 0 {
		os.Exit(1)
	}
}
