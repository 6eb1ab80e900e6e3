package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/absah-id/absah/signer"
)

// rewriting is a document on its way to a new file. It is begun before an HSM
// is asked for anything: that a file is missing, or cannot be written where it
// should be, is told first.
type rewriting struct {
	in  *os.File
	out *output
}

// beginRewriting opens in and what becomes the file out, which is whole or
// absent in the end. The caller closes it.
func beginRewriting(in, out string) (*rewriting, error) {
	src, err := openInput(in)
	if err != nil {
		return nil, err
	}
	o, err := createOutput(out)
	if err != nil {
		src.Close()
		return nil, err
	}
	return &rewriting{src, o}, nil
}

// close leaves no file behind that was not finished.
func (r *rewriting) close() {
	r.in.Close()
	r.out.discard()
}

// finish copies the input to the temporary file, lets work make a tail for it
// and gives the file its name.
func (r *rewriting) finish(cmd *cobra.Command, work func(signer.Input) (*signer.Result, error)) (*signer.Result, error) {
	info, err := r.in.Stat()
	if err != nil {
		return nil, err
	}
	if err := r.out.restrict(info.Mode()); err != nil {
		return nil, err
	}
	bar := newProgress(cmd.ErrOrStderr(), "signing", 2*info.Size())
	defer bar.finish()
	size, err := r.out.copyFrom(cmd.Context(), r.in, bar)
	if err != nil {
		return nil, err
	}
	result, err := work(signer.Input{Reader: progressReader{r.out.file, bar}, Size: size})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", printable(r.in.Name()), err)
	}
	if err := r.out.append(result.Tail); err != nil {
		return nil, err
	}
	return result, r.out.commit()
}

// openInput opens a regular file; that it is missing is a usage error. It
// looks before it opens, since opening a pipe waits for its writer.
func openInput(name string) (*os.File, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, usageErrorf("%v", err)
	}
	if !info.Mode().IsRegular() {
		return nil, usageErrorf("%s is not a regular file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, usageErrorf("%v", err)
	}
	return f, nil
}
