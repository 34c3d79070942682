package suite

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Parse reads the text of a case. README.md of the conformance suite describes
// the form.
func Parse(name, text string) (*Case, error) {
	p := &parser{c: &Case{Name: name}}
	for line := range strings.Lines(text) {
		p.line++
		if err := p.take(strings.TrimRight(line, "\n")); err != nil {
			return nil, fmt.Errorf("%s.txt:%d: %w", name, p.line, err)
		}
	}
	if len(p.c.Steps) == 0 {
		return nil, fmt.Errorf("%s.txt: it does nothing; begin a request with a line such as \"> GET /run\"", name)
	}
	for _, s := range p.c.Steps {
		if s.Kind == Ask && !s.Unread && !s.Cut && s.Status == 0 {
			return nil, fmt.Errorf("%s.txt:%d: no answer is expected; write \"< 200\", \"< any\", \"< cut\" or \"< unread\"", name, s.Line)
		}
		if s.Status == anyStatus {
			s.Status = 0
		}
	}
	return p.c, nil
}

const anyStatus = -1

type parser struct {
	c    *Case
	line int
	ask  *Step // the request that lines belong to
}

func (p *parser) take(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "":
		if strings.TrimSpace(line) != "" {
			return fmt.Errorf("a line begins with a space")
		}
		return nil
	case "#":
		if p.c.About == "" {
			p.c.About = rest
		}
		return nil
	case ">":
		return p.request(rest)
	case "log":
		return p.log(rest)
	case "restart":
		p.add(&Step{Kind: Restart})
		return nil
	case "break":
		if rest != "store" {
			return fmt.Errorf("%q cannot be broken; write \"break store\"", rest)
		}
		p.add(&Step{Kind: BreakStore})
		return nil
	}
	if p.ask == nil {
		return p.setting(word, rest)
	}
	return p.detail(word, rest)
}

func (p *parser) add(s *Step) *Step {
	s.Line = p.line
	p.c.Steps = append(p.c.Steps, s)
	p.ask = nil
	return s
}

// setting is what may stand before the first step.
func (p *parser) setting(word, rest string) error {
	if len(p.c.Steps) > 0 {
		return fmt.Errorf("%q belongs to a request; begin one with a line such as \"> GET /run\"", word)
	}
	switch word {
	case "proves":
		words := strings.Fields(rest)
		if len(words) == 0 {
			return fmt.Errorf("proves what? Write \"proves kv_get ABSENT\"")
		}
		p.c.Proves = append(p.c.Proves, Proof{words[0], words[1:]})
	case "toml":
		if !strings.Contains(rest, " = ") {
			return fmt.Errorf("%q is no line of host.toml; write \"toml plugin.guest.timeout = \\\"300ms\\\"\"", rest)
		}
		p.c.Keys = append(p.c.Keys, rest)
	case "route":
		p.c.Routes = append(p.c.Routes, rest)
	default:
		return fmt.Errorf("unknown word %q; before the first request stand proves, toml and route", word)
	}
	return nil
}

// request is a line that begins with ">": the first begins a request, the next are
// its headers.
func (p *parser) request(rest string) error {
	if p.ask != nil && p.ask.Script == nil && p.ask.Status == 0 && !strings.HasPrefix(rest, "/") {
		if name, value, ok := strings.Cut(rest, ": "); ok {
			value, err := expand(value)
			p.ask.Header = append(p.ask.Header, Field{name, value})
			return err
		}
	}
	words := strings.Fields(rest)
	if len(words) < 2 || len(words) > 3 || strings.Trim(words[0], "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return fmt.Errorf("%q is no request; write \"> GET /run\", or \"> GET /run HTTP/1.0\"; headers come right after it", rest)
	}
	s := p.add(&Step{Kind: Ask})
	s.Method, s.Target, s.Protocol = words[0], words[1], "HTTP/1.1"
	if len(words) == 3 {
		s.Protocol = words[2]
	}
	p.ask = s
	return nil
}

// detail is a line about the request that has begun.
func (p *parser) detail(word, rest string) (err error) {
	s := p.ask
	switch word {
	case "|":
		s.Script = append(s.Script, rest)
	case "body":
		s.Body, err = expand(rest)
	case "chunk":
		var chunk string
		chunk, err = expand(rest)
		s.Chunked, s.Chunks = true, append(s.Chunks, chunk)
	case "leaves":
		s.LeaveAfter = rest
	case "stalls":
		s.Stall = true
	case "twice":
		s.Twice = true
	case "<":
		return p.answer(rest)
	case "<-":
		s.Lacks = append(s.Lacks, rest)
	case "=":
		s.HasBody = true
		s.Text += results(rest) + "\n"
	case "nothing":
		s.HasBody = true
	case "raw":
		s.HasBody = true
		s.Text, err = expand(rest)
	case "json":
		s.HasBody, s.JSON, s.Text = true, true, rest
		if !json.Valid([]byte(rest)) {
			return fmt.Errorf("%s is no JSON", rest)
		}
	default:
		return fmt.Errorf("unknown word %q; a request has > | body chunk leaves stalls twice < <- = nothing raw json", word)
	}
	return err
}

func (p *parser) answer(rest string) error {
	s := p.ask
	if name, value, ok := strings.Cut(rest, ": "); ok {
		value, err := expand(value)
		s.Has = append(s.Has, Field{name, value})
		return err
	}
	switch rest {
	case "any":
		s.Status = anyStatus
	case "cut":
		s.Cut = true
	case "unread":
		s.Unread = true
	default:
		status, err := strconv.Atoi(rest)
		if err != nil || status < 100 || status > 599 {
			return fmt.Errorf("%q is no answer; write a status, \"any\", \"cut\", \"unread\", or a header as \"Name: value\"", rest)
		}
		s.Status = status
	}
	return nil
}

func (p *parser) log(rest string) (err error) {
	level, text, ok := strings.Cut(rest, " ")
	switch level {
	case "debug", "info", "warn", "error":
	default:
		ok = false
	}
	if !ok {
		return fmt.Errorf("%q is no line of the log; write \"log LEVEL TEXT\"", rest)
	}
	s := p.add(&Step{Kind: Log, Level: level})
	s.Expect.Text, err = expand(text)
	return err
}
