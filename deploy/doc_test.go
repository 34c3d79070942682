// Package deploy_test runs what is in this directory as far as one machine can: the
// image, the unit for systemd and every host.toml. It does so on Linux only.
package deploy_test
