package generation

import (
	"errors"
	"maps"
	"slices"

	"github.com/wasmlane/wasmlane/abi"
	"github.com/wasmlane/wasmlane/host/internal/config"
	"github.com/wasmlane/wasmlane/host/internal/exchange"
	"github.com/wasmlane/wasmlane/host/internal/sandbox"
	"github.com/wasmlane/wasmlane/host/internal/wasi"
)

// A WASI command: a program that answers one request and ends.

// checkCommand refuses settings that a command cannot have.
func checkCommand(cfg *config.Config, file string, info *sandbox.Info, settings *config.Plugin) error {
	if !info.Command {
		return nil
	}
	section := "plugin." + settings.Name
	// What [defaults] says is meant for other plugins, and ignored.
	if line, own := settings.Lines.Keys["isolation"]; own && settings.Isolation == config.IsolationInstance {
		return cfg.Error(line, section+".isolation", "%s is a WASI command, which starts anew for each request; remove the key", file)
	}
	for _, key := range slices.Sorted(maps.Keys(settings.Config)) {
		if why := exchange.CheckCGIConfig(key, settings.Config[key]); why != "" {
			return cfg.Error(settings.Lines.Of("config"), section+".config."+key,
				"%s is a WASI command, which finds its config in the environment, and %q %s", file, key, why)
		}
	}
	return nil
}

// runCommand has a command answer x. However it exits, the instance can be reset
// for the next request; exit code 0 is a return.
func runCommand(x *exchange.Exchange, instance *sandbox.Instance) (sandbox.Outcome, error) {
	x.BeginCGI()
	err := instance.Call(x.Context(), abi.ExportStart, x.Deadline())
	var exit wasi.ExitError
	switch {
	case x.Overflowed(): // which ended it, and is answered by whoever asks
		return sandbox.Failed, nil
	case err != nil && !errors.As(err, &exit):
		return sandbox.Failed, err
	case exit.Code != 0:
		return sandbox.Clean, err
	}
	return sandbox.Clean, x.EndCGI()
}

// exited reports whether a guest ended by proc_exit.
func exited(err error) bool {
	var exit wasi.ExitError
	return errors.As(err, &exit)
}
