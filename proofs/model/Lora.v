(* What is being studied: one LoRA layer W = W0 + s B A and plain gradient descent on
   its two factors. The loss enters only through its gradient at W, handed in as an
   oracle, so nothing here depends on the data, the loss, or the size of a batch. *)
From mathcomp Require Import all_ssreflect all_algebra.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

Section Layer.
(* m outputs, n inputs, rank r, over any commutative field *)
Variables (F : fieldType) (m n r : nat).

(* the trained pair (A, B), with A : r x n and B : m x r *)
Definition factors : Type := ('M[F]_(r, n) * 'M[F]_(m, r))%type.

(* the gradient of the loss with respect to W; it may change from step to step, as it
   does with minibatches, dropout masks or a schedule inside the loss *)
Definition oracle : Type := nat -> 'M[F]_(m, n) -> 'M[F]_(m, n).

Definition weight (W0 : 'M[F]_(m, n)) (s : F) (x : factors) : 'M[F]_(m, n) :=
  W0 + s *: (x.2 *m x.1).

(* the chain rule through W, for a gradient g at W *)
Definition grad_A (s : F) (x : factors) (g : 'M[F]_(m, n)) : 'M[F]_(r, n) :=
  s *: (x.2^T *m g).
Definition grad_B (s : F) (x : factors) (g : 'M[F]_(m, n)) : 'M[F]_(m, r) :=
  s *: (g *m x.1^T).

Section Descent.
Variables (W0 : 'M[F]_(m, n)) (G : oracle) (s : F) (etaA etaB : nat -> F).

(* both factors move at once, each with its own scheduled rate *)
Definition gd_step (t : nat) (x : factors) : factors :=
  let g := G t (weight W0 s x) in
  (x.1 - etaA t *: grad_A s x g, x.2 - etaB t *: grad_B s x g).

Fixpoint gd (t : nat) (x : factors) : factors :=
  if t is t'.+1 then gd_step t' (gd t' x) else x.
End Descent.

(* the maps between parametrisations: a scale per factor, or any linear map on the rank *)
Definition rescale (p q : F) (x : factors) : factors := (p *: x.1, q *: x.2).
Definition mix (P Q : 'M[F]_r) (x : factors) : factors := (P *m x.1, x.2 *m Q).

Lemma rescale_mix p q x : rescale p q x = mix p%:M q%:M x.
Proof. by rewrite /mix mul_scalar_mx mul_mx_scalar. Qed.

(* two schedules that agree at every step give the same run *)
Lemma eq_gd W0 G s etaA etaA' etaB etaB' t x :
  etaA =1 etaA' -> etaB =1 etaB' -> gd W0 G s etaA etaB t x = gd W0 G s etaA' etaB' t x.
Proof. by move=> eA eB; elim: t => //= t ->; rewrite /gd_step eA eB. Qed.
End Layer.
