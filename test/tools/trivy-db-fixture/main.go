// SPDX-License-Identifier: Apache-2.0

// Makes a trivy vulnerability database (schema 2) out of a YAML fixture.
package main

import (
	"fmt"
	"os"

	fixtures "github.com/aquasecurity/bolt-fixtures"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: trivy-db-fixture FIXTURE.yaml OUT/trivy.db")
		os.Exit(2)
	}
	if err := load(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func load(fixture, database string) error {
	loader, err := fixtures.New(database, []string{fixture})
	if err != nil {
		return err
	}
	if err := loader.Load(); err != nil {
		return err
	}
	return loader.Close()
}
