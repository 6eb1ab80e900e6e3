package verifier_test

import (
	"testing"

	"github.com/absah-id/absah/verifier"
)

func TestEmbeddedData(t *testing.T) {
	c := verifier.DefaultCatalogue()
	if c.Name() == "" || c.AsOf().IsZero() {
		t.Error("the catalogue has no name or date")
	}
	for _, name := range []string{"gov", "forms"} {
		p := policy(t, name)
		if p.Name != name || p.DefaultDocMDP != 2 || p.FormValues != (name == "forms") || p.SignatureOverlap != (name == "forms") {
			t.Errorf("%+v", p)
		}
	}
	if _, err := verifier.PolicyNamed("other"); err == nil {
		t.Error("an unknown policy is accepted")
	}
}

func TestConfigurationRefused(t *testing.T) {
	for name, data := range map[string]string{
		"unknown key":   `{"name":"x","asOf":"2026-01-01","more":1}`,
		"no date":       `{"name":"x"}`,
		"bad end":       `{"name":"x","asOf":"2026-01-01","digests":[{"name":"SHA-256","until":"soon"}]}`,
		"not an object": `[]`,
	} {
		if _, err := verifier.ParseCatalogue([]byte(data)); err == nil {
			t.Errorf("catalogue with %s is accepted", name)
		}
	}
	for name, data := range map[string]string{
		"unknown key":   `[{"name":"x","defaultDocMDP":2,"more":1}]`,
		"bad duration":  `[{"name":"x","defaultDocMDP":2,"clockSkew":"-1m"}]`,
		"no permission": `[{"name":"x"}]`,
	} {
		if _, err := verifier.ParsePolicies([]byte(data)); err == nil {
			t.Errorf("policy with %s is accepted", name)
		}
	}
	if _, err := verifier.New(verifier.Config{Policy: verifier.Policy{Name: "own", DefaultDocMDP: 4}}); err == nil {
		t.Error("a policy with DocMDP 4 is accepted")
	}
}
