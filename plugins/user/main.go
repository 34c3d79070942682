// Command user is the user service: it keeps users with a name and an email
// address that no two of them share.
//
//	GET    /users/{id}  get_user
//	GET    /users       list_users   ?limit=1..100&after=ID
//	POST   /users       create_user  {"name": …, "email": …}
//	PUT    /users/{id}  update_user  {"name": …, "email": …}
//	DELETE /users/{id}  delete_user
//	GET    /load/{id}   load         about a millisecond of work
package main

import wasmlane "github.com/wasmlane/wasmlane/sdk/go"

//go:wasmexport get_user
func getUser() { wasmlane.Handle(handleGet) }

//go:wasmexport list_users
func listUsers() { wasmlane.Handle(handleList) }

//go:wasmexport create_user
func createUser() { wasmlane.Handle(handleCreate) }

//go:wasmexport update_user
func updateUser() { wasmlane.Handle(handleUpdate) }

//go:wasmexport delete_user
func deleteUser() { wasmlane.Handle(handleDelete) }

//go:wasmexport load
func load() { wasmlane.Handle(handleLoad) }

func main() {}

func init() { wasmlane.PrepareJSON(user{}, page{}, input{}, record{}) }
