// Package traffic is what a route may ask for around its handler: a rate limit,
// CORS, compression. It decides, and knows neither the configuration nor the HTTP
// library.
package traffic
