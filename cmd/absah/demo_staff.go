package main

import (
	"context"
	"fmt"
	"os"

	"github.com/absah-id/absah/gateway"
)

// demoStaff are the people who sign in to the demo's console, one a role.
var demoStaff = []gateway.StaffSpec{
	{Username: "investigator", Name: "Penyelidik Contoh", Role: gateway.RoleInvestigator},
	{Username: "supervisor", Name: "Penyelia Contoh", Role: gateway.RoleSupervisor},
	{Username: "auditor", Name: "Auditor Contoh", Role: gateway.RoleAuditor},
}

// makeStaff makes one member of staff of each role, with the secrets in a file
// named after it.
func (d *demo) makeStaff(ctx context.Context) (string, error) {
	if err := os.MkdirAll(d.path("staff"), 0o700); err != nil {
		return "", &outputError{err}
	}
	g, operator := d.gateway.gateway, d.gateway.operator()
	all, err := g.AllStaff(ctx, operator, gateway.Page{})
	if err != nil {
		return "", err
	}
	known := map[string]bool{}
	for _, m := range all {
		known[m.Username] = true
	}
	said := "found"
	for _, spec := range demoStaff {
		f := secretFlags{secrets: d.path("staff/" + spec.Username)}
		if _, err := os.Stat(f.secrets); err == nil && known[spec.Username] {
			continue
		}
		said = "made"
		var secrets gateway.StaffSecrets
		if known[spec.Username] {
			secrets, err = g.ResetStaff(ctx, operator, spec.Username, "", "the demo has lost the secrets")
		} else {
			_, secrets, err = g.AddStaff(ctx, operator, spec)
		}
		if err != nil {
			return "", err
		}
		if err := f.write(spec.Username, secrets); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%s an investigator, a supervisor and an auditor", said), nil
}
