package gateway

import (
	"context"
	"errors"
)

// Found is operations with the names of who took part in them.
type Found struct {
	Operations []Operation
	// Names are those of signers, applications and members of staff, by
	// identifier.
	Names map[string]string
}

// Asker is the name of who asked for an operation: the application, or the
// person; what the row says when neither has a name.
func (f *Found) Asker(o Operation) string {
	for _, id := range []string{o.Application, staffOf(o.User)} {
		if name := f.Names[id]; name != "" {
			return name
		}
	}
	if o.Application != "" {
		return o.Application
	}
	return o.User
}

// staffOf is the identifier of the member of staff who is a record's user, ""
// for none.
func staffOf(user string) string {
	if len(user) > len(staffPrefix) && user[:len(staffPrefix)] == staffPrefix {
		return user[len(staffPrefix):]
	}
	return ""
}

// Search finds operations for a member of staff, who took part by name. That
// it was asked is on record.
func (g *Gateway) Search(ctx context.Context, c Caller, q OperationQuery) (*Found, error) {
	if err := g.readOperations(ctx, c, "operations.search", &q, ""); err != nil {
		return nil, err
	}
	var f *Found
	err := g.view(ctx, Scope(c.Application.Organisation), func(r Reader) (err error) {
		f, err = find(ctx, r, q)
		return err
	})
	return f, err
}

// find reads operations and names.
func find(ctx context.Context, r Reader, q OperationQuery) (*Found, error) {
	f := &Found{Names: map[string]string{}}
	var err error
	if f.Operations, err = r.Operations(ctx, q); err != nil {
		return nil, err
	}
	for _, o := range f.Operations {
		if err := f.name(ctx, r, o); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// name looks up who took part in an operation.
func (f *Found) name(ctx context.Context, r Reader, o Operation) error {
	for _, who := range []struct {
		id   string
		name func(id string) (string, error)
	}{
		{o.Signer, func(id string) (string, error) { s, err := r.Signer(ctx, id); return s.Name, err }},
		{o.Application, func(id string) (string, error) { a, err := r.Application(ctx, id); return a.Name, err }},
		{staffOf(o.User), func(id string) (string, error) { s, err := r.Staff(ctx, id); return s.Name, err }},
	} {
		if _, known := f.Names[who.id]; known || who.id == "" {
			continue
		}
		name, err := who.name(who.id)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		f.Names[who.id] = name
	}
	return nil
}
