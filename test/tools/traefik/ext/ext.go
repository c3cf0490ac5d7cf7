// SPDX-License-Identifier: Apache-2.0

// Package ext stands in for the one of traefik, which lies in its repository but not in its module: the fields that other editions add to a configuration, none.
package ext

// HTTP adds nothing.
type HTTP struct{}

// Router adds nothing.
type Router struct{}
