// Package gateway holds the use cases: what the applications of an e-office ask
// for, in the order that makes each answer provable. Its rule is that nothing
// is released which is not durably recorded first.
//
// model.go and store.go say what it keeps and what it asks of the database. It
// speaks neither HTTP nor SQL and holds no key.
package gateway
