// Package route finds the route of a request: a tree of path segments, built
// once per configuration and then only read.
//
// It works on the raw path, as it stands in the request line. The path is split
// at "/" first and each segment is percent-decoded after that, so that %2F never
// splits one. This is also why there is no ready-made router here: those for
// fasthttp route on the decoded, folded path and panic when two routes are in
// conflict, where an error has to name two lines of host.toml.
//
// # Patterns
//
//	/users/new          static segments
//	/users/{id}         any one segment, not empty
//	/users/{id:[0-9]+}  one segment, not empty, that the regex matches from end to end
//	/files/{rest...}    all that is left, at the end only; "/files/" too, "/files" not
//
// A parameter is always a whole segment. A trailing slash is significant:
// "/users" and "/users/" are two paths. Static segments may hold percent-escapes
// and are decoded as requests are, so "/caf%C3%A9" and "/café" are one pattern.
//
// # Which route wins
//
// Segment by segment from the left, static beats {name:regex} beats {name} beats
// {rest...}; regexes at one place are tried in the order of their declaration. At
// the same pattern a route's own method beats GET standing in for HEAD, which
// beats a route for any method. A choice that leads nowhere is taken back, so a
// route that matches both path and method is always found when there is one.
//
// # Cost
//
// A path is decoded once, in linear time. The search visits a node of the tree at
// most once, because a tree has one way to each node; how deep it goes depends on
// the longest pattern and never on the request. A lookup allocates nothing.
package route
