module example.com/cgi

go 1.24
