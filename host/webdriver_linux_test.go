package host

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// browser is a headless Chromium, driven by the WebDriver protocol
// (https://www.w3.org/TR/webdriver2/).
type browser struct {
	t       *testing.T
	session string // the URL of all its commands
}

// openBrowser starts one that ends with the test and leaves nothing behind.
func openBrowser(t *testing.T) *browser {
	t.Helper()
	chromium := tool(t, "chromium; apt-get install chromium chromium-driver", "chromium", "chromium-browser", "google-chrome")
	driver := tool(t, "chromedriver; apt-get install chromium chromium-driver", "chromedriver")
	// Not t.TempDir: the last of Chromium's processes may still write while it ends.
	data, err := os.MkdirTemp("", "wasmlane-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(driver, "--port=0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Env = append(os.Environ(), "HOME="+data, "XDG_CONFIG_HOME="+data, "XDG_CACHE_HOME="+data)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t}
	t.Cleanup(func() {
		if b.session != "" {
			_ = b.command("DELETE", "", nil, nil)
		}
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // its own group, the browser included
		_ = cmd.Wait()
		for end := time.Now().Add(patience); os.RemoveAll(data) != nil && time.Now().Before(end); {
			time.Sleep(50 * time.Millisecond)
		}
	})
	port := make(chan string, 1)
	go func() {
		ready := regexp.MustCompile(`successfully on port (\d+)`)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if m := ready.FindStringSubmatch(lines.Text()); m != nil {
				port <- m[1]
			}
		}
	}()
	b.session = "http://127.0.0.1:" + wait(t, port) + "/session"
	var created struct{ SessionID string }
	err = b.command("POST", "", map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{
		"goog:loggingPrefs": map[string]string{"browser": "ALL"},
		"goog:chromeOptions": map[string]any{"binary": chromium, "args": []string{
			"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
			"--disable-background-networking", "--disable-component-update", "--disable-sync",
			"--disable-dev-shm-usage", "--window-size=1280,1000", "--user-data-dir=" + data,
		}},
	}}}, &created)
	if err != nil {
		b.session = ""
		t.Fatal(err)
	}
	b.session += "/" + created.SessionID
	return b
}

// command sends one command and reads its value.
func (b *browser) command(method, path string, body, value any) error {
	var send io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		send = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, b.session+path, send)
	if err != nil {
		return err
	}
	client := http.Client{Timeout: 2 * time.Minute}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var answer struct{ Value json.RawMessage }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return err
	}
	if resp.StatusCode != 200 {
		return fmt.Errorf("%s %s: %.1000s", method, path, answer.Value)
	}
	if value == nil {
		return nil
	}
	return json.Unmarshal(answer.Value, value)
}

func (b *browser) do(method, path string, body, value any) {
	b.t.Helper()
	if err := b.command(method, path, body, value); err != nil {
		b.t.Fatal(err)
	}
}

func (b *browser) open(url string) {
	b.t.Helper()
	b.do("POST", "/url", map[string]any{"url": url}, nil)
}

// eval runs the body of a function in the page and returns what it returns.
func eval[T any](b *browser, script string, args ...any) (value T) {
	b.t.Helper()
	b.do("POST", "/execute/sync", map[string]any{"script": script, "args": append([]any{}, args...)}, &value)
	return value
}

// text returns the text of what a selector finds first, as it is shown.
func (b *browser) text(selector string) string {
	b.t.Helper()
	return eval[string](b, "return document.querySelector(arguments[0])?.innerText ?? '(nothing there)'", selector)
}

// sees waits until a text is shown.
func (b *browser) sees(selector, want string) {
	b.t.Helper()
	var got string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if got = b.text(selector); strings.Contains(got, want) {
			return
		}
	}
	b.t.Fatalf("%s shows %q, want %q", selector, got, want)
}

// Keys of WebDriver.
const (
	keyTab    = "\uE004"
	keyEnter  = "\uE007"
	keyEscape = "\uE00C"
	keyLeft   = "\uE012"
)

// press presses keys, one after another.
func (b *browser) press(keys string) {
	b.t.Helper()
	var actions []map[string]string
	for _, key := range keys {
		actions = append(actions, map[string]string{"type": "keyDown", "value": string(key)}, map[string]string{"type": "keyUp", "value": string(key)})
	}
	b.do("POST", "/actions", map[string]any{"actions": []any{map[string]any{"type": "key", "id": "keyboard", "actions": actions}}}, nil)
}

// cdp sends a command of the DevTools protocol.
func (b *browser) cdp(command string, params map[string]any, value any) {
	b.t.Helper()
	b.do("POST", "/goog/cdp/execute", map[string]any{"cmd": command, "params": params}, value)
}

// colors has the page believe that the system is set to "light" or "dark".
func (b *browser) colors(scheme string) {
	b.t.Helper()
	b.cdp("Emulation.setEmulatedMedia", map[string]any{"features": []any{
		map[string]string{"name": "prefers-color-scheme", "value": scheme},
	}}, nil)
}

// size makes the window another size.
func (b *browser) size(width, height int, mobile bool) {
	b.t.Helper()
	b.cdp("Emulation.setDeviceMetricsOverride", map[string]any{
		"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile,
	}, nil)
}

// complaints returns what the browser's console says, refusals of the
// Content-Security-Policy among it.
func (b *browser) complaints() (list []string) {
	b.t.Helper()
	var lines []struct{ Level, Message string }
	b.do("POST", "/se/log", map[string]string{"type": "browser"}, &lines)
	for _, l := range lines {
		list = append(list, l.Level+" "+l.Message)
	}
	return list
}

// picture puts the whole page into a file, when the test is asked for pictures.
func (b *browser) picture(name string) {
	b.t.Helper()
	if *pictures == "" {
		return
	}
	var shot struct{ Data string }
	b.cdp("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true}, &shot)
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	if err == nil {
		err = os.MkdirAll(*pictures, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(*pictures, name+".png"), png, 0o644)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}
