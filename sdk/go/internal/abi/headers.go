package abi

// IsHosts reports whether a response header is the host's to set. The name is in
// lower case.
func IsHosts(name string) bool {
	switch name {
	case "content-length", "date", "server":
		return true
	}
	return IsHopByHop(name)
}

// IsHopByHop reports whether a header is about one connection only. The name is
// in lower case.
func IsHopByHop(name string) bool {
	switch name {
	case "connection", "keep-alive", "proxy-connection", "proxy-authenticate",
		"proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade":
		return true
	}
	return false
}
